//! Security groups as chains: one for each direction, an `accept` for each rule, and a set of each group's addresses. Pure.

use std::collections::BTreeSet;

use bus::topics::network_spec::{Direction, Ethertype, SecurityGroupRuleSpec, SecurityGroupSpec};
use ipnet::IpNet;
use kit::ids::SecurityGroupId;

use super::ruleset::{Family, Ruleset};
use crate::drivers::desired::Desired;
use crate::drivers::linux::names::short_id;

/// ICMP's protocol number.
const ICMP: u8 = 1;
/// ICMPv6's protocol number.
const ICMPV6: u8 = 58;
/// Protocols with ports: DCCP, SCTP, TCP, UDP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [33, 132, 6, 17, 136];

/// The chain of a group's rules for one direction.
pub fn chain(group: &SecurityGroupId, direction: Direction) -> String {
    let direction = match direction {
        Direction::Ingress => "in",
        Direction::Egress => "out",
    };
    format!("group-{}-{direction}", short_id(group.as_str()))
}

fn member_set(group: &SecurityGroupId, ethertype: Ethertype) -> String {
    let kind = match ethertype {
        Ethertype::Ipv4 => "members4",
        Ethertype::Ipv6 => "members6",
    };
    format!("{kind}-{}", short_id(group.as_str()))
}

/// Renders all groups, and the members of all that rules refer to.
pub fn render(rules: &mut Ruleset, desired: &Desired) {
    let all_rules = || desired.groups.values().flat_map(|group| &group.rules);
    let referred: BTreeSet<&SecurityGroupId> = all_rules().filter_map(|rule| rule.remote_group_id.as_ref()).collect();
    for id in referred {
        rules.set(Family::Inet, member_set(id, Ethertype::Ipv4), "type ipv4_addr; flags interval");
        rules.set(Family::Inet, member_set(id, Ethertype::Ipv6), "type ipv6_addr; flags interval");
        for address in outermost(desired.group_addresses(id)) {
            rules.element(Family::Inet, member_set(id, ethertype_of(&address)), spell(&address));
        }
    }
    for group in desired.groups.values() {
        for direction in [Direction::Ingress, Direction::Egress] {
            let wanted = group.rules.iter().filter(|rule| rule.direction == direction);
            // A rule made twice under two names is one.
            let texts: BTreeSet<String> = wanted.map(|rule| accept(group, rule)).collect();
            rules.chain(Family::Inet, chain(&group.id, direction), texts.into_iter().collect());
        }
    }
}

/// The ranges that are in no other one of them: an interval set wants no overlap.
pub fn outermost(ranges: BTreeSet<IpNet>) -> Vec<IpNet> {
    let all: Vec<IpNet> = ranges.into_iter().collect();
    let covered = |inner: &IpNet| all.iter().any(|outer| outer != inner && outer.contains(inner));
    all.iter().filter(|range| !covered(range)).copied().collect()
}

/// An address as a range, or alone when it is one.
pub fn spell(range: &IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() { range.addr().to_string() } else { range.trunc().to_string() }
}

fn ethertype_of(range: &IpNet) -> Ethertype {
    match range {
        IpNet::V4(_) => Ethertype::Ipv4,
        IpNet::V6(_) => Ethertype::Ipv6,
    }
}

/// One rule. Of a stateful group it looks at the connection's first packet, of a stateless one at the packet itself.
fn accept(group: &SecurityGroupSpec, rule: &SecurityGroupRuleSpec) -> String {
    let (family, ip) = match rule.ethertype {
        Ethertype::Ipv4 => ("ipv4", "ip"),
        Ethertype::Ipv6 => ("ipv6", "ip6"),
    };
    let remote = match rule.direction {
        Direction::Ingress => "saddr",
        Direction::Egress => "daddr",
    };
    let original = if group.stateful { "ct original " } else { "" };
    let mut text = format!("meta nfproto {family} ");
    if let Some(range) = rule.remote_ip_prefix.filter(|range| range.prefix_len() > 0) {
        text += &format!("{original}{ip} {remote} {} ", spell(&range));
    }
    if let Some(remote_group) = &rule.remote_group_id {
        text += &format!("{original}{ip} {remote} @{} ", member_set(remote_group, rule.ethertype));
    }
    if let Some(protocol) = rule.protocol {
        text += &protocol_match(group.stateful, icmp_of(protocol, rule.ethertype), rule);
    }
    text + "accept"
}

/// Neutron takes `icmp` in IPv6 rules for ICMPv6.
fn icmp_of(protocol: u8, ethertype: Ethertype) -> u8 {
    if protocol == ICMP && ethertype == Ethertype::Ipv6 { ICMPV6 } else { protocol }
}

fn protocol_match(stateful: bool, protocol: u8, rule: &SecurityGroupRuleSpec) -> String {
    let mut text = format!("meta l4proto {protocol} ");
    let Some(first) = rule.port_range_min else { return text };
    match protocol {
        ICMP | ICMPV6 => text += &icmp_match(stateful, protocol, first, rule.port_range_max),
        _ if WITH_PORTS.contains(&protocol) => {
            let key = if stateful { "ct original proto-dst" } else { "th dport" };
            let last = rule.port_range_max.unwrap_or(first);
            text += &if first == last { format!("{key} {first} ") } else { format!("{key} {first}-{last} ") };
        }
        _ => {}
    }
    text
}

/// Conntrack keeps an ICMP message's type and code where it keeps a TCP connection's destination port.
fn icmp_match(stateful: bool, protocol: u8, kind: u16, code: Option<u16>) -> String {
    let keyword = if protocol == ICMP { "icmp" } else { "icmpv6" };
    match (stateful, code) {
        (true, Some(code)) => format!("ct original proto-dst {} ", kind << 8 | code),
        (true, None) => format!("ct original proto-dst {}-{} ", kind << 8, kind << 8 | 0xff),
        (false, Some(code)) => format!("{keyword} type {kind} {keyword} code {code} "),
        (false, None) => format!("{keyword} type {kind} "),
    }
}
