//! Security groups and anti-spoofing.

use std::net::IpAddr;

use bus::topics::network_spec::*;
use network_agent::drivers::NetworkDriver;
use network_agent::drivers::linux::LinuxDriver;

use crate::world::*;

/// A network with two guests in their groups.
async fn pair(
    world: &World,
    driver: &LinuxDriver,
    first: &[&SecurityGroupSpec],
    second: &[&SecurityGroupSpec],
) -> (NetworkSpec, Guest, Guest) {
    let network = network(1, 20, NetworkGateway::Router);
    driver.ensure_network(network.clone()).await.unwrap();
    for group in first.iter().chain(second) {
        driver.ensure_security_group((*group).clone()).await.unwrap();
    }
    let a = world.guest(driver, &port(1, &network, 10, first)).await;
    let b = world.guest(driver, &port(2, &network, 11, second)).await;
    (network, a, b)
}

#[test]
fn a_group_opens_what_its_rules_say_and_closes_it_at_once() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let client = group(1, vec![egress()]);
        let mut server = group(2, vec![egress(), tcp(22), ping()]);
        let (_, a, b) = pair(&world, &driver, &[&client], &[&server]).await;
        b.echo(22).await;
        b.echo(80).await;
        assert!(a.reaches("10.20.0.11"), "the opened ping");
        assert!(a.connects("10.20.0.11:22").await, "the opened port");
        assert!(!a.connects("10.20.0.11:80").await, "a port that no rule opens");
        assert!(!b.pings("10.20.0.10"), "the other side opens nothing");

        let mut under_way = a.connection("10.20.0.11:22").await;
        assert!(echoes(&mut under_way));
        server.rules = vec![egress(), rule(Direction::Ingress, Some(6), Some((80, 90)))];
        driver.ensure_security_group(server.clone()).await.unwrap();
        assert!(!echoes(&mut under_way), "a connection lives on that no rule lets through");
        assert!(!a.connects("10.20.0.11:22").await);
        assert!(a.connects("10.20.0.11:80").await);

        let mut under_way = a.connection("10.20.0.11:80").await;
        server.rules.push(ping());
        driver.ensure_security_group(server.clone()).await.unwrap();
        assert!(echoes(&mut under_way), "a change cut a connection that is still let through");
        driver.shutdown().await;
    });
}

#[test]
fn a_closed_connection_cannot_be_taken_up_by_the_answering_side() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let client = group(1, vec![egress(), rule(Direction::Ingress, None, None)]);
        let mut server = group(2, vec![egress(), rule(Direction::Ingress, Some(17), Some((53, 53)))]);
        let (_, a, b) = pair(&world, &driver, &[&client], &[&server]).await;
        let asking = a.udp("10.20.0.10:5000").await;
        let answering = b.udp("10.20.0.11:53").await;
        assert!(eventually(|| arrives(&asking, &answering, "10.20.0.11:53")));
        assert!(arrives(&answering, &asking, "10.20.0.10:5000"));
        server.rules.pop();
        driver.ensure_security_group(server.clone()).await.unwrap();
        assert!(!arrives(&asking, &answering, "10.20.0.11:53"));
        assert!(!arrives(&answering, &asking, "10.20.0.10:5000"), "an answer passes though the question would not");
        driver.shutdown().await;
    });
}

#[test]
fn a_remote_group_is_who_is_in_it() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let client = group(1, vec![egress()]);
        let from_clients = SecurityGroupRuleSpec { remote_group_id: Some(client.id.clone()), ..tcp(22) };
        let server = group(2, vec![egress(), from_clients]);
        let outsider = group(3, vec![egress()]);
        driver.ensure_security_group(outsider.clone()).await.unwrap();
        let (network, a, b) = pair(&world, &driver, &[&client], &[&server]).await;
        let c = world.guest(&driver, &port(3, &network, 12, &[&outsider])).await;
        b.echo(22).await;
        assert!(a.connects("10.20.0.11:22").await);
        assert!(!c.connects("10.20.0.11:22").await);
        // Members on other hosts count as well, as long as they are members.
        let members = |addresses: Vec<IpAddr>| GroupMembers { group_id: client.id.clone(), addresses };
        driver.set_group_members(members(vec![IpAddr::from([10, 20, 0, 12])])).await.unwrap();
        assert!(c.connects("10.20.0.11:22").await);
        driver.set_group_members(members(vec![])).await.unwrap();
        assert!(!c.connects("10.20.0.11:22").await);
        // A port that changes its groups is a member at once.
        driver.ensure_port(port(3, &network, 12, &[&client])).await.unwrap();
        assert!(c.connects("10.20.0.11:22").await);
        driver.shutdown().await;
    });
}

#[test]
fn a_stateless_group_wants_a_rule_for_each_way() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let open = open_group(1);
        let mut server = SecurityGroupSpec { stateful: false, ..group(2, vec![tcp(22)]) };
        let (_, a, b) = pair(&world, &driver, &[&open], &[&server]).await;
        b.echo(22).await;
        assert!(!a.connects("10.20.0.11:22").await, "the answer passes without a rule");
        server.rules.push(egress());
        driver.ensure_security_group(server.clone()).await.unwrap();
        assert!(a.connects("10.20.0.11:22").await);
        driver.shutdown().await;
    });
}

#[test]
fn without_port_security_or_without_groups() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let open = open_group(1);
        let (network, a, b) = pair(&world, &driver, &[&open], &[]).await;
        assert!(!eventually_quick(|| a.pings("10.20.0.11")), "a port without groups lets something in");
        assert!(!b.pings("10.20.0.10"), "a port without groups lets something out");
        driver.ensure_port(PortSpec { port_security_enabled: false, ..port(2, &network, 11, &[]) }).await.unwrap();
        assert!(a.reaches("10.20.0.11") && b.reaches("10.20.0.10"));
        b.ip(&["address", "add", "10.20.0.99/24", "dev", "eth0"]);
        assert!(a.reaches("10.20.0.99"), "a port without port security may send from any address");
        driver.shutdown().await;
    });
}

fn eventually_quick(mut condition: impl FnMut() -> bool) -> bool {
    (0..2).any(|_| condition())
}

#[test]
fn a_guest_sends_from_its_own_addresses_only() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let open = open_group(1);
        let (network, a, b) = pair(&world, &driver, &[&open], &[&open]).await;
        assert!(a.reaches("10.20.0.11"));
        let listening = b.udp("0.0.0.0:7000").await;

        // An address that is not its own: neither packets nor ARP.
        a.ip(&["address", "add", "10.20.0.66/24", "dev", "eth0"]);
        a.ip(&["neigh", "replace", "10.20.0.11", "lladdr", &b.mac, "dev", "eth0"]);
        let spoofing = a.udp("10.20.0.66:7001").await;
        assert!(!arrives(&spoofing, &listening, "10.20.0.11:7000"), "a spoofed address");
        assert!(!b.pings("10.20.0.66"), "ARP for a spoofed address is answered");
        let pair = AddressPair { ip_address: "10.20.0.64/28".parse().unwrap(), mac_address: a.mac.clone() };
        let allowed = PortSpec { allowed_address_pairs: vec![pair], ..port(1, &network, 10, &[&open]) };
        driver.ensure_port(allowed).await.unwrap();
        assert!(arrives(&spoofing, &listening, "10.20.0.11:7000"), "an allowed address pair");
        assert!(b.reaches("10.20.0.66"));
        driver.ensure_port(port(1, &network, 10, &[&open])).await.unwrap();
        assert!(!arrives(&spoofing, &listening, "10.20.0.11:7000"), "a pair that was taken back");

        // A DHCP server's answer, to all and to one.
        let server = a.udp("10.20.0.10:67").await;
        let client = b.udp("0.0.0.0:68").await;
        assert!(!arrives(&server, &client, "10.20.0.11:68"), "a guest plays DHCP server");
        assert!(!arrives(&server, &client, "255.255.255.255:68"), "a guest plays DHCP server to all");

        // Another's Ethernet address.
        a.ip(&["address", "del", "10.20.0.66/24", "dev", "eth0"]);
        a.ip(&["link", "set", "eth0", "address", "fa:16:3e:00:00:77"]);
        assert!(!eventually_quick(|| a.pings("10.20.0.11")), "a spoofed Ethernet address");
        a.ip(&["link", "set", "eth0", "address", &a.mac]);
        assert!(a.reaches("10.20.0.11"));
        driver.shutdown().await;
    });
}

#[test]
fn ipv6_guests_are_guarded_too() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let mut network = network(1, 20, NetworkGateway::Router);
        let subnet = SubnetSpec {
            id: uuid(2, 9).into(),
            cidr: "fd00:20::/64".parse().unwrap(),
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
        let v6 = |rule: SecurityGroupRuleSpec| SecurityGroupRuleSpec { ethertype: Ethertype::Ipv6, ..rule };
        let echo = rule(Direction::Ingress, Some(58), Some((128, 0)));
        let mut group = group(1, vec![v6(egress()), v6(tcp(22)), v6(echo)]);
        driver.ensure_security_group(group.clone()).await.unwrap();
        let mut first = port(1, &network, 10, &[&group]);
        first.fixed_ips.push(six(0x10));
        let mut second = port(2, &network, 11, &[&group]);
        second.fixed_ips.push(six(0x11));
        let a = world.guest(&driver, &first).await;
        let b = world.guest(&driver, &second).await;
        b.echo(22).await;
        b.echo(23).await;
        assert!(a.reaches("fd00:20::11"));
        assert!(a.connects("[fd00:20::11]:22").await);
        assert!(!a.connects("[fd00:20::11]:23").await);

        a.ip(&["address", "add", "fd00:20::66/64", "dev", "eth0", "nodad"]);
        assert!(!eventually_quick(|| b.pings("fd00:20::66")), "a neighbour advertisement for a spoofed address");
        let spoofing = a.udp("[fd00:20::66]:7001").await;
        let listening = b.udp("[fd00:20::11]:7000").await;
        group.rules.push(v6(rule(Direction::Ingress, Some(17), None)));
        driver.ensure_security_group(group.clone()).await.unwrap();
        assert!(!arrives(&spoofing, &listening, "[fd00:20::11]:7000"), "a spoofed address");
        let honest = a.udp("[fd00:20::10]:7002").await;
        assert!(arrives(&honest, &listening, "[fd00:20::11]:7000"));
        driver.shutdown().await;
    });
}
