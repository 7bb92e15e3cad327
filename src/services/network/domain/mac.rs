//! Ethernet addresses: how they are written, and new ones.

use rand::RngExt as _;

/// The first three octets of the addresses that are made here: Neutron's `base_mac`.
const BASE: [u8; 3] = [0xfa, 0x16, 0x3e];

/// Reads six hexadecimal octets with colons or hyphens between them.
#[must_use]
pub fn parse(text: &str) -> Option<[u8; 6]> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut octets = [0; 6];
    let mut parts = text.split(separator);
    for octet in &mut octets {
        let part = parts.next().filter(|part| part.len() == 2)?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// `octets` as Neutron writes them.
#[must_use]
pub fn format(octets: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = octets;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// A new random address below Neutron's prefix.
#[must_use]
pub fn random() -> String {
    let [a, b, c] = BASE;
    let [d, e, f]: [u8; 3] = rand::rng().random();
    format([a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_addresses_have_the_prefix_and_can_be_read_back() {
        let mac = random();
        assert!(mac.starts_with("fa:16:3e:"), "{mac}");
        assert_eq!(format(parse(&mac).unwrap()), mac);
    }

    #[test]
    fn only_six_octets_are_an_address() {
        assert_eq!(parse("FA-16-3E-00-00-01"), Some([0xfa, 0x16, 0x3e, 0, 0, 1]));
        for text in ["", "fa:16:3e:00:00", "fa:16:3e:00:00:01:02", "fa:16:3e:00:00:1", "fa:16:3e:00:00:zz"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
