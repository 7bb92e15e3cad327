//! IP protocols as security group rules name them.

/// Names and numbers, as Neutron knows them.
static NAMES: &[(&str, u8)] = &[
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("icmp", 1),
    ("icmpv6", 58),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

/// ICMP for IPv4.
pub const ICMP: u8 = 1;
/// ICMP for IPv6.
pub const ICMPV6: u8 = 58;

/// The number of the protocol that `text` names or spells.
#[must_use]
pub fn number(text: &str) -> Option<u8> {
    let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    named.or_else(|| text.parse().ok())
}

/// What a rule's protocol may be, for the text of a refusal.
#[must_use]
pub fn names() -> String {
    let names: Vec<String> = NAMES.iter().map(|(name, _)| format!("'{name}'")).collect();
    format!("[None, {}]", names.join(", "))
}

/// Whether the protocol has ports.
#[must_use]
pub fn has_ports(number: u8) -> bool {
    matches!(number, 6 | 17 | 33 | 132 | 136)
}

/// Whether only IPv6 has the protocol.
#[must_use]
pub fn is_ipv6_only(text: &str) -> bool {
    text.starts_with("ipv6-") && text != "ipv6-icmp" || matches!(text, "icmpv6" | "ipv6-icmp" | "58")
}

/// Names that mean the same are kept as one, so that a duplicate is seen: Neutron's `icmpv6` is `ipv6-icmp`.
#[must_use]
pub fn canonical(text: &str, ethertype: &str) -> String {
    match text {
        "icmpv6" => "ipv6-icmp".to_owned(),
        "icmp" if ethertype == "IPv6" => "ipv6-icmp".to_owned(),
        other => other.to_owned(),
    }
}
