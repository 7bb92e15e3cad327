//! What never changes in the two tables: sets, maps and the chains that hang on the kernel's hooks.

/// The bridge table: who may send a frame as whom, and whose the packet is.
pub const BRIDGE: &str = r"
    # All devices on our bridges; those of them that are our own veths; guests' taps with their numbers.
    set ports { type ifname; }
    set trusted { type ifname; }
    map guests { type ifname : mark; }

    # What a guest may send from. Ranges have sets of their own: a lookup among single addresses is a hash.
    set macs { type ifname . ether_addr; }
    set addresses4 { type ifname . ether_addr . ipv4_addr; }
    set addresses6 { type ifname . ether_addr . ipv6_addr; }
    set ranges4 { type ifname . ether_addr . ipv4_addr; flags interval; }
    set ranges6 { type ifname . ether_addr . ipv6_addr; flags interval; }
    # What a guest may say in a neighbour advertisement that it is.
    set targets6 { typeof iifname . @th,64,128; }
    set target_ranges6 { typeof iifname . @th,64,128; flags interval; }

    chain arp_from_guest {
        arp operation != { request, reply } drop
        iifname . arp saddr ether @macs arp saddr ip 0.0.0.0 return
        iifname . arp saddr ether . arp saddr ip @addresses4 return
        iifname . arp saddr ether . arp saddr ip @ranges4 return
        drop
    }
    chain ipv4_from_guest {
        ip saddr 0.0.0.0 udp sport 68 udp dport 67 return
        udp sport 67 udp dport 68 drop
        iifname . ether saddr . ip saddr @addresses4 return
        iifname . ether saddr . ip saddr @ranges4 return
        drop
    }
    chain ipv6_from_guest {
        icmpv6 type { nd-router-advert, nd-redirect } drop
        udp sport 547 udp dport 546 drop
        ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return
        icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 iifname . @th,64,128 != @target_ranges6 drop
        iifname . ether saddr . ip6 saddr @addresses6 return
        iifname . ether saddr . ip6 saddr @ranges6 return
        drop
    }
    chain from_guest {
        iifname . ether saddr != @macs drop
        ether type vmap { arp : jump arp_from_guest, ip : jump ipv4_from_guest, ip6 : jump ipv6_from_guest }
        ether type != { arp, ip, ip6 } drop
        meta mark set iifname map @guests
    }
    # Before br_netfilter (priority 0) brings the packet to the inet table.
    chain prerouting {
        type filter hook prerouting priority -310; policy accept;
        iifname @trusted meta mark set 0 accept
        iifname @ports jump from_guest
    }
    chain forward {
        type filter hook forward priority -10; policy accept;
        oifname @trusted meta mark set 0 accept
        oifname @ports meta mark set oifname map @guests
    }
    # Our bridges are nobody's way into the host, nor out of it.
    chain input {
        type filter hook input priority -310; policy accept;
        iifname @ports drop
    }
    chain output {
        type filter hook output priority -310; policy accept;
        oifname @ports drop
    }
";

/// The inet table: security groups, and the host as a gateway.
pub const INET: &str = r"
    map zones { typeof iifname : ct zone; }
    set bridges { type ifname; }
    # The host's own legs in networks, and those of them where the addresses are the LAN's.
    set gateways { type ifname; }
    set announced { type ifname; }

    # From a port's number to its chain, by the packet's direction within its connection. A sender's packets are checked as
    # what leaves it when it opened the connection, as what entered it when the other end did.
    map sender_original { type mark : verdict; }
    map sender_reply { type mark : verdict; }
    map sender_untracked { type mark : verdict; }
    map receiver_original { type mark : verdict; }
    map receiver_reply { type mark : verdict; }
    map receiver_untracked { type mark : verdict; }

    chain zone {
        type filter hook prerouting priority -310; policy accept;
        ct zone set iifname map @zones
    }
    chain sender {
        type filter hook prerouting priority -150; policy accept;
        iifname != @bridges accept
        meta mark 0 accept
        meta nfproto ipv4 udp sport 68 udp dport 67 accept
        meta nfproto ipv6 udp sport 546 udp dport 547 accept
        icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
        icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
        ct state related accept
        ct direction original meta mark vmap @sender_original
        ct direction reply meta mark vmap @sender_reply
        meta mark vmap @sender_untracked
    }
    chain receiver {
        type filter hook forward priority -1; policy accept;
        iifname != @bridges accept
        meta mark 0 accept
        meta nfproto ipv4 udp sport 67 udp dport 68 accept
        meta nfproto ipv6 udp sport 547 udp dport 546 accept
        icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        ct state related accept
        ct direction original meta mark vmap @receiver_original
        ct direction reply meta mark vmap @receiver_reply
        meta mark vmap @receiver_untracked
    }

    # Guests may ping their gateway, and nothing else of the host.
    chain host_input {
        type filter hook input priority 0; policy accept;
        iifname != @gateways accept
        ct state established,related accept
        icmp type echo-request accept
        icmpv6 type { echo-request, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
        drop
    }
    # From outside of the host nobody gets to a guest by routing, from the cloud's other networks they do; and to addresses of the LAN
    # anybody: only to those that are announced there is a route.
    chain host_forward {
        type filter hook forward priority 0; policy accept;
        oifname != @gateways accept
        iifname @gateways accept
        oifname @announced accept
        ct state established,related accept
        drop
    }
    chain masquerading {
        type nat hook postrouting priority 100; policy accept;
        iifname @announced accept
        iifname @gateways oifname != @gateways masquerade
    }

    # Bridged packets are no business of anyone's NAT rules: their connections are bound to themselves before those.
    chain no_foreign_dnat {
        type nat hook prerouting priority -101; policy accept;
        iifname @bridges dnat ip to ip daddr
        iifname @bridges dnat ip6 to ip6 daddr
    }
    chain no_foreign_snat {
        type nat hook postrouting priority 99; policy accept;
        oifname @bridges snat ip to ip saddr
        oifname @bridges snat ip6 to ip6 saddr
    }
";
