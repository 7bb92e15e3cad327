//! Networks and ports as elements and chains of the tables. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use bus::topics::network_spec::{Direction, NetworkGateway, PortSpec};
use ipnet::IpNet;

use super::groups;
use super::numbers::Numbers;
use super::ruleset::{Family, Ruleset};
use crate::drivers::desired::Desired;
use crate::drivers::linux::names::Names;
use crate::drivers::linux::router::leg_ports;

/// Bridges, zones, and our own devices on the bridges.
pub fn render_networks(rules: &mut Ruleset, names: &Names, desired: &Desired, numbers: &Numbers) {
    for network in desired.networks.values() {
        let bridge = quoted(&names.bridge(&network.id));
        rules.element(Family::Inet, "bridges", bridge.clone());
        if let Some(zone) = numbers.zone(&network.id) {
            rules.mapping(Family::Inet, "zones", bridge, zone.to_string());
        }
        if network.service_port.is_some() {
            trusted(rules, &names.service(&network.id));
        }
        if network.gateway != NetworkGateway::Router {
            trusted(rules, &names.gateway_peer(&network.id));
            rules.element(Family::Inet, "gateways", quoted(&names.gateway(&network.id)));
        }
        if network.gateway == NetworkGateway::Lan {
            rules.element(Family::Inet, "announced", quoted(&names.gateway(&network.id)));
        }
    }
    for router in desired.routers.values() {
        for port in leg_ports(router) {
            trusted(rules, &names.router_peer(port));
        }
    }
}

fn trusted(rules: &mut Ruleset, device: &str) {
    rules.element(Family::Bridge, "ports", quoted(device));
    rules.element(Family::Bridge, "trusted", quoted(device));
}

/// Guests' ports.
pub fn render_ports(rules: &mut Ruleset, names: &Names, desired: &Desired, numbers: &Numbers) {
    for port in desired.ports.values() {
        let device = names.tap(&port.id);
        match numbers.port(&port.id) {
            Some(number) if port.port_security_enabled => {
                let device = quoted(&device);
                rules.element(Family::Bridge, "ports", device.clone());
                rules.mapping(Family::Bridge, "guests", device.clone(), number.to_string());
                render_sources(rules, &device, port);
                render_chains(rules, desired, port, number);
            }
            // Without port security a port is trusted like one of our own.
            _ => trusted(rules, &device),
        }
    }
}

/// What a port may send from: its addresses, its link-local address, its allowed address pairs.
fn render_sources(rules: &mut Ruleset, device: &str, port: &PortSpec) {
    let fixed = port.fixed_ips.iter().map(|ip| (port.mac.as_str(), IpNet::from(ip.ip_address)));
    let local = link_local(&port.mac).map(|ip| (port.mac.as_str(), IpNet::from(IpAddr::V6(ip))));
    let pairs = port.allowed_address_pairs.iter().map(|pair| (pair.mac_address.as_str(), pair.ip_address.trunc()));
    let sources: BTreeSet<(&str, IpNet)> = fixed.chain(local).chain(pairs).collect();
    let macs: BTreeSet<&str> = sources.iter().map(|(mac, _)| *mac).chain([port.mac.as_str()]).collect();
    for mac in macs {
        rules.element(Family::Bridge, "macs", format!("{device} . {mac}"));
        let own: BTreeSet<IpNet> = sources.iter().filter(|(of, _)| *of == mac).map(|(_, range)| *range).collect();
        let (single, ranges): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|range| range.prefix_len() == range.max_prefix_len());
        for range in &single {
            let set = if range.addr().is_ipv4() { "addresses4" } else { "addresses6" };
            rules.element(Family::Bridge, set, format!("{device} . {mac} . {}", range.addr()));
            if let IpAddr::V6(ip) = range.addr() {
                rules.element(Family::Bridge, "targets6", format!("{device} . 0x{:032x}", u128::from(ip)));
            }
        }
        for range in groups::outermost(ranges.into_iter().collect()) {
            let set = if range.addr().is_ipv4() { "ranges4" } else { "ranges6" };
            rules.element(Family::Bridge, set, format!("{device} . {mac} . {range}"));
            if let IpNet::V6(range) = range {
                let (first, last) = (u128::from(range.network()), u128::from(range.broadcast()));
                rules.element(Family::Bridge, "target_ranges6", format!("{device} . 0x{first:032x}-0x{last:032x}"));
            }
        }
    }
}

/// A port's two chains, and the ways to them.
fn render_chains(rules: &mut Ruleset, desired: &Desired, port: &PortSpec, number: u32) {
    let (incoming, outgoing) = (format!("port-{number}-in"), format!("port-{number}-out"));
    for (name, direction) in [(&incoming, Direction::Ingress), (&outgoing, Direction::Egress)] {
        let groups: BTreeSet<_> = port.security_groups.iter().collect();
        let jumps = groups.iter().map(|group| format!("jump {}", groups::chain(group, direction)));
        rules.chain(Family::Inet, name.clone(), jumps.chain(["drop".to_owned()]).collect());
    }
    // Stateless rules look at each packet by itself. Neutron does not let a port mix the two kinds of groups.
    let stateless = |id| desired.groups.get(id).is_some_and(|group| !group.stateful);
    let stateless = !port.security_groups.is_empty() && port.security_groups.iter().all(stateless);
    let (to_in, to_out) = (format!("goto {incoming}"), format!("goto {outgoing}"));
    let drop = "drop".to_owned();
    let ways = if stateless {
        [(&to_out, &to_in), (&to_out, &to_in), (&to_out, &to_in)]
    } else {
        [(&to_out, &to_in), (&to_in, &to_out), (&drop, &drop)]
    };
    for (packet, (sender, receiver)) in ["original", "reply", "untracked"].into_iter().zip(ways) {
        rules.mapping(Family::Inet, &format!("sender_{packet}"), number.to_string(), sender);
        rules.mapping(Family::Inet, &format!("receiver_{packet}"), number.to_string(), receiver);
    }
}

/// The link-local address that is made from a MAC address (modified EUI-64).
fn link_local(mac: &str) -> Option<Ipv6Addr> {
    let octets: Vec<u8> = mac.split(':').filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
    let [a, b, c, d, e, f] = *octets.as_slice() else { return None };
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Some(Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f)))
}

fn quoted(device: &str) -> String {
    format!("\"{device}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_comes_from_the_mac() {
        assert_eq!(link_local("fa:16:3e:01:02:03").unwrap(), "fe80::f816:3eff:fe01:203".parse::<Ipv6Addr>().unwrap());
    }
}
