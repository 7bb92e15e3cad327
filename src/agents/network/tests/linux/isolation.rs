//! What a hostile guest tries, and what others' firewalls do: each with a control that shows that the attempt would work.

use std::process::{Child, Command, Stdio};

use bus::topics::network_spec::*;
use network_agent::drivers::NetworkDriver;
use network_agent::drivers::linux::LinuxDriver;

use crate::world::*;

/// A network without DHCP of its own, with two guests that may do everything.
async fn pair(world: &World, driver: &LinuxDriver) -> (NetworkSpec, SecurityGroupSpec, Guest, Guest) {
    let mut network = network(1, 20, NetworkGateway::Host);
    network.subnets[0].enable_dhcp = false;
    let group = open_group(1);
    driver.ensure_network(network.clone()).await.unwrap();
    driver.ensure_security_group(group.clone()).await.unwrap();
    let a = world.guest(driver, &port(1, &network, 10, &[&group])).await;
    let b = world.guest(driver, &port(2, &network, 11, &[&group])).await;
    assert!(a.reaches("10.20.0.11"));
    (network, group, a, b)
}

async fn port_security(driver: &LinuxDriver, network: &NetworkSpec, group: &SecurityGroupSpec, on: bool) {
    let groups: &[&SecurityGroupSpec] = if on { &[group] } else { &[] };
    let spec = PortSpec { port_security_enabled: on, ..port(1, network, 10, groups) };
    driver.ensure_port(spec).await.unwrap();
}

/// A DHCP server and router that nobody asked for, in a guest.
struct Rogue(Child);

impl Rogue {
    fn start(world: &World, guest: &Guest) -> Self {
        guest.ip(&["address", "add", "fd00:66::1/64", "dev", "eth0", "nodad"]);
        let leases = format!("--dhcp-leasefile={}", world.directory().join("rogue-leases").display());
        let arguments = [
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file",
            "--user=root",
            "--port=0",
            "--interface=eth0",
            "--enable-ra",
            "--ra-param=eth0,high,4,600",
            "--dhcp-range=fd00:66::,ra-only",
            "--dhcp-range=10.20.0.100,10.20.0.110",
            "--dhcp-authoritative",
            &leases,
        ];
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &guest.name, "dnsmasq"]).args(arguments);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_guest_is_no_dhcp_server_and_no_router() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let (network, group, a, b) = pair(&world, &driver).await;
        let rogue = Rogue::start(&world, &a);
        let offered =
            || b.run(&["busybox", "udhcpc", "-f", "-q", "-n", "-t", "3", "-T", "1", "-i", "eth0", "-s", "/bin/true"]);
        // A card that comes up solicits routers.
        let advertised = || {
            b.ip(&["link", "set", "eth0", "down"]);
            b.ip(&["link", "set", "eth0", "up"]);
            (0..40).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(100));
                b.ip(&["-6", "address", "show", "dev", "eth0"]).contains("fd00:66:")
            })
        };
        assert!(!offered(), "a guest gave another an address");
        assert!(!advertised(), "a guest made itself another's router");
        port_security(&driver, &network, &group, false).await;
        assert!(eventually(offered), "the control: without port security it is a DHCP server");
        assert!(eventually(advertised), "the control: without port security it is a router");
        drop(rogue);
        driver.shutdown().await;
    });
}

#[test]
fn a_guest_does_not_poison_anothers_neighbours() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let (network, group, a, b) = pair(&world, &driver).await;
        a.ip(&["address", "add", "10.20.0.1/24", "dev", "eth0"]);
        let gateway = || b.ip(&["neigh", "show", "10.20.0.1"]);
        assert!(b.reaches("10.20.0.1"));
        let says_it_is = || {
            a.run(&["busybox", "arping", "-q", "-A", "-c", "2", "-I", "eth0", "10.20.0.1"]);
            a.run(&["busybox", "arping", "-q", "-U", "-c", "2", "-I", "eth0", "10.20.0.1"]);
        };
        says_it_is();
        assert!(!gateway().contains(&a.mac), "{}", gateway());
        assert!(b.pings("10.20.0.1"));
        // Nor with the other's own Ethernet address.
        a.ip(&["link", "set", "eth0", "address", &b.mac]);
        says_it_is();
        assert!(!a.pings("10.20.0.11"), "a guest sends from another's Ethernet address");
        assert!(b.reaches("10.20.0.1"), "a guest took another's place on the bridge");
        a.ip(&["link", "set", "eth0", "address", &a.mac]);

        port_security(&driver, &network, &group, false).await;
        let poisoned = || {
            says_it_is();
            gateway().contains(&a.mac)
        };
        assert!(eventually(poisoned), "the control: without port security it does");
        driver.shutdown().await;
    });
}

#[test]
fn metadata_is_each_guests_own_whatever_it_claims() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let group = open_group(1);
        driver.ensure_security_group(group.clone()).await.unwrap();
        let mut guests = Vec::new();
        // Two tenants with the same addresses.
        for number in [1, 2] {
            let network = network(number, 30, NetworkGateway::Router);
            driver.ensure_network(network.clone()).await.unwrap();
            let guest = world.guest(&driver, &port(number, &network, 10, &[&group])).await;
            guest.ip(&["route", "add", "169.254.169.254", "via", "10.30.0.2"]);
            guests.push(guest);
        }
        let forged = ["X-Forwarded-For: 10.30.0.11", "X-Instance-ID: server-2", "X-Tenant-ID: t", "Host: server-2"];
        for (guest, own) in guests.iter().zip(["server-1", "server-2"]) {
            assert!(guest.reaches("10.30.0.2"));
            for header in forged {
                let get = ["busybox", "wget", "-q", "-O", "-", "--header", header, "http://169.254.169.254/x"];
                assert_eq!(guest.output(&get), format!("GET /x {own} 10.30.0.10"), "{header}");
            }
        }
        // From an address that is nobody's, or another's, there is no answer at all.
        let thief = &guests[0];
        thief.ip(&["address", "add", "10.30.0.77/24", "dev", "eth0"]);
        thief.ip(&["route", "replace", "169.254.169.254", "via", "10.30.0.2", "src", "10.30.0.77"]);
        assert!(!thief.connects("169.254.169.254:80").await);
        driver.shutdown().await;
    });
}

#[test]
fn a_remote_group_forgets_who_leaves_it() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let (client, outsider) = (group(1, vec![egress()]), group(2, vec![egress()]));
        let from_clients = SecurityGroupRuleSpec { remote_group_id: Some(client.id.clone()), ..tcp(22) };
        let server = group(3, vec![egress(), from_clients]);
        let network = network(1, 20, NetworkGateway::Router);
        driver.ensure_network(network.clone()).await.unwrap();
        for group in [&client, &outsider, &server] {
            driver.ensure_security_group(group.clone()).await.unwrap();
        }
        let a = world.guest(&driver, &port(1, &network, 10, &[&client])).await;
        let b = world.guest(&driver, &port(2, &network, 11, &[&server])).await;
        b.echo(22).await;
        assert!(a.reaches("10.20.0.10"));
        let mut under_way = a.connection("10.20.0.11:22").await;
        assert!(echoes(&mut under_way));
        driver.ensure_port(port(1, &network, 10, &[&outsider])).await.unwrap();
        assert!(!echoes(&mut under_way), "a connection outlives the membership that let it through");
        assert!(!a.connects("10.20.0.11:22").await);
        driver.ensure_port(port(1, &network, 10, &[&client])).await.unwrap();
        assert!(a.connects("10.20.0.11:22").await);
        driver.shutdown().await;
    });
}

#[test]
fn ipv6_pairs_rules_and_dhcp_hold_likewise() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let mut network = network(1, 20, NetworkGateway::Router);
        let cidr = "fd00:20::/64".parse().unwrap();
        let subnet = SubnetSpec {
            id: uuid(2, 9).into(),
            cidr,
            gateway_ip: None,
            enable_dhcp: false,
            ..network.subnets[0].clone()
        };
        let six = |last: u16| FixedIp {
            subnet_id: subnet.id.clone(),
            ip_address: format!("fd00:20::{last:x}").parse().unwrap(),
        };
        network.subnets.push(subnet.clone());
        driver.ensure_network(network.clone()).await.unwrap();
        let mut open = open_group(1);
        driver.ensure_security_group(open.clone()).await.unwrap();
        let with = |number, host: u8| {
            let mut spec = port(number, &network, host, &[&open_group(1)]);
            spec.fixed_ips.push(six(u16::from(host)));
            spec
        };
        let first = with(1, 0x10);
        let a = world.guest(&driver, &first).await;
        let b = world.guest(&driver, &with(2, 0x11)).await;
        assert!(a.reaches("fd00:20::11"));

        // Allowed address pairs, a range of them.
        a.ip(&["address", "add", "fd00:20::166/64", "dev", "eth0", "nodad"]);
        let virtual_one = a.udp("[fd00:20::166]:7001").await;
        let listening = b.udp("[fd00:20::11]:7000").await;
        assert!(!arrives(&virtual_one, &listening, "[fd00:20::11]:7000"), "a spoofed address");
        let pair = AddressPair { ip_address: "fd00:20::100/120".parse().unwrap(), mac_address: a.mac.clone() };
        driver.ensure_port(PortSpec { allowed_address_pairs: vec![pair], ..first.clone() }).await.unwrap();
        assert!(arrives(&virtual_one, &listening, "[fd00:20::11]:7000"), "an allowed address pair");
        assert!(b.reaches("fd00:20::166"), "neighbours do not find an allowed address pair");
        driver.ensure_port(first.clone()).await.unwrap();
        assert!(!arrives(&virtual_one, &listening, "[fd00:20::11]:7000"), "a pair that was taken back");
        a.ip(&["address", "del", "fd00:20::166/64", "dev", "eth0"]);

        // DHCPv6 is not a guest's to answer.
        let (server, client) = (a.udp("[fd00:20::10]:547").await, b.udp("[fd00:20::11]:546").await);
        assert!(!arrives(&server, &client, "[fd00:20::11]:546"), "a guest plays DHCPv6 server");

        // What no rule lets through any more is cut.
        b.echo(22).await;
        let mut under_way = a.connection("[fd00:20::11]:22").await;
        assert!(echoes(&mut under_way));
        open.rules.retain(|rule| rule.direction == Direction::Egress);
        driver.ensure_security_group(open.clone()).await.unwrap();
        assert!(!echoes(&mut under_way), "a connection lives on that no rule lets through");
        assert!(!a.connects("[fd00:20::11]:22").await);
        driver.shutdown().await;
    });
}

/// Another's tables, as nft prints them, without counters.
fn foreign_tables() -> String {
    ["inet theirs", "ip old_nat"]
        .map(|table| {
            let words: Vec<&str> = ["list", "table"].into_iter().chain(table.split(' ')).collect();
            let there = succeeds("nft", &words);
            if there { run("nft", &words) } else { String::new() }
        })
        .concat()
}

#[test]
fn foreign_tables_stay_as_they_are_and_guests_get_out() {
    on_private_host(|world| async move {
        let rules = "add table inet theirs
            add chain inet theirs forward { type filter hook forward priority 0; policy accept; }
            add rule inet theirs forward tcp dport 25 drop
            add chain inet theirs input { type filter hook input priority 0; policy accept; }
            add rule inet theirs input tcp dport 9 drop
            add table ip old_nat
            add chain ip old_nat post { type nat hook postrouting priority 100; policy accept; }
            add rule ip old_nat post ip saddr 172.31.0.0/16 masquerade\n";
        std::fs::write(world.directory().join("rules"), rules).unwrap();
        run("nft", &["-f", &world.directory().join("rules").display().to_string()]);
        let before = foreign_tables();
        let outside = internet();
        let driver = world.driver().await;
        let (network, group, a, b) = pair(&world, &driver).await;
        a.ip(&["route", "add", "default", "via", "10.20.0.1"]);
        assert!(a.reaches("198.51.100.2"));
        driver.ensure_security_group(group.clone()).await.unwrap();
        let state = HostState {
            networks: vec![network.clone()],
            security_groups: vec![group.clone()],
            ports: vec![port(1, &network, 10, &[&group])],
            ..HostState::default()
        };
        driver.sync(state).await.unwrap();
        assert_eq!(foreign_tables(), before);
        assert!(a.reaches("198.51.100.2"));
        driver.shutdown().await;
        assert_eq!(foreign_tables(), before);
        drop((outside, b));
    });
}

/// firewalld's command, as far as it is used, on a table like firewalld's.
const FIREWALL_CMD: &str = r#"#!/bin/sh
for word; do
    case $word in
        --query-interface=*) nft list chain inet firewalld filter_FWD_trusted | grep -q "${word#*=}" ;;
        --add-interface=*)
            device=${word#*=}
            nft add rule inet firewalld filter_FWD_trusted iifname "${device%+}*" accept comment "\"$device\"" ;;
    esac || exit 1
done
"#;

#[test]
fn firewalld_is_asked_to_let_guests_through() {
    on_private_host(|world| async move {
        let rules = "add table inet firewalld
            add chain inet firewalld filter_FWD_trusted
            add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }
            add rule inet firewalld filter_FORWARD ct state established,related accept
            add rule inet firewalld filter_FORWARD iifname lo accept
            add rule inet firewalld filter_FORWARD jump filter_FWD_trusted
            add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited\n";
        std::fs::write(world.directory().join("rules"), rules).unwrap();
        run("nft", &["-f", &world.directory().join("rules").display().to_string()]);
        let outside = internet();
        // Without its command there is only a warning.
        let driver = world.driver().await;
        let warnings = driver.capabilities().warnings;
        assert!(warnings.iter().any(|warning| warning.contains("firewalld cuts guests off")), "{warnings:?}");
        driver.shutdown().await;

        run("mount", &["-t", "tmpfs", "tmpfs", "/usr/local/sbin"]);
        std::fs::write("/usr/local/sbin/firewall-cmd", FIREWALL_CMD).unwrap();
        run("chmod", &["755", "/usr/local/sbin/firewall-cmd"]);
        let chain = |name| run("nft", &["list", "chain", "inet", "firewalld", name]);
        let own = chain("filter_FORWARD");
        let driver = world.driver().await;
        let (_, _, a, b) = pair(&world, &driver).await;
        a.ip(&["route", "add", "default", "via", "10.20.0.1"]);
        assert!(a.reaches("198.51.100.2"), "no way out past firewalld");
        b.echo(22).await;
        assert!(a.connects("10.20.0.11:22").await, "no way between guests past firewalld");
        driver.shutdown().await;
        let trusted = chain("filter_FWD_trusted");
        world.driver().await.shutdown().await;
        assert_eq!(chain("filter_FWD_trusted"), trusted, "a second start asks again");
        assert_eq!(chain("filter_FORWARD"), own);
        drop(outside);
    });
}

#[test]
fn a_foreign_table_that_drops_is_reported_and_left_alone() {
    on_private_host(|world| async move {
        run("nft", &["add table inet theirs"]);
        run("nft", &["add chain inet theirs catchall { type filter hook forward priority 0; policy drop; }"]);
        let before = foreign_tables();
        let driver = world.driver().await;
        let warnings = driver.capabilities().warnings;
        assert!(warnings.iter().any(|warning| warning.contains("inet theirs is drop")), "{warnings:?}");
        assert_eq!(foreign_tables(), before);
        driver.shutdown().await;
    });
}

#[test]
fn devices_that_somebody_deletes_come_back() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let (network, _, a, b) = pair(&world, &driver).await;
        let third = port(3, &network, 12, &[&open_group(1)]);
        driver.ensure_port(third.clone()).await.unwrap();
        let (bridge, tap) = (world.names.bridge(&network.id), world.names.tap(&third.id));
        let repaired = || !driver.condition().repairs.is_empty();
        run("ip", &["link", "delete", &tap]);
        assert!(eventually(repaired), "nobody noticed the tap");
        let shown = run("ip", &["link", "show", "dev", &tap]);
        assert!(shown.contains(&format!("master {bridge}")) && shown.contains(",UP"), "{shown}");

        let times = || driver.condition().repairs[0].times;
        run("ip", &["link", "delete", &bridge]);
        assert!(eventually(|| times() > 1), "nobody noticed the bridge");
        assert!(a.reaches("10.20.0.11"), "guests are not on the new bridge");
        assert!(a.reaches("10.20.0.1"), "the gateway is not on the new bridge");
        run("ip", &["link", "delete", &world.names.gateway(&network.id)]);
        assert!(eventually(|| times() > 2), "nobody noticed the gateway");
        assert!(b.reaches("10.20.0.1"));
        assert!(driver.condition().reasons.is_empty());
        driver.shutdown().await;
    });
}
