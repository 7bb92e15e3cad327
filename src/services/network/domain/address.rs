//! IP addresses as numbers, ranges of them, and the addresses that are made from an Ethernet address.
//!
//! A number orders addresses of one family as they follow each other; in the database it is 16 octets. Nothing
//! here knows a subnet's row.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

/// The number of `address` within its family.
#[must_use]
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address with `number` in IPv4 (`v6` false) or IPv6.
#[must_use]
pub fn address(number: u128, v6: bool) -> IpAddr {
    if v6 { IpAddr::V6(Ipv6Addr::from(number)) } else { IpAddr::V4(Ipv4Addr::from(low_bits(number))) }
}

fn low_bits(number: u128) -> u32 {
    u32::try_from(number & u128::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// Whether `address` is of IPv6.
#[must_use]
pub fn is_v6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(_))
}

/// Addresses from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first one's number.
    pub first: u128,
    /// The last one's number.
    pub last: u128,
}

impl Range {
    /// Whether `number` lies in it.
    #[must_use]
    pub fn contains(&self, number: u128) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// Whether both have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// What is left of it without `number`: none, one or two ranges.
    pub fn without(self, number: u128) -> impl Iterator<Item = Self> {
        let before = (number > self.first).then(|| Self { first: self.first, last: (number - 1).min(self.last) });
        let after = (number < self.last).then(|| Self { first: (number + 1).max(self.first), last: self.last });
        before.into_iter().chain(after)
    }
}

/// The addresses of `cidr` that hosts can have: in IPv4 all but the first and the last, in IPv6 all but
/// the first (the routers' anycast address), and everything in networks too small for such a loss.
#[must_use]
pub fn usable(cidr: IpNet) -> Range {
    let (first, last) = (number(cidr.network()), number(cidr.broadcast()));
    if last - first < 2 {
        return Range { first, last };
    }
    match cidr {
        IpNet::V4(_) => Range { first: first + 1, last: last - 1 },
        IpNet::V6(_) => Range { first: first + 1, last },
    }
}

/// The gateway that a subnet gets when its creator names none: the first address that a host can have.
#[must_use]
pub fn default_gateway(cidr: IpNet) -> IpAddr {
    address(usable(cidr).first, is_v6(cidr.addr()))
}

/// The pools that a subnet gets when its creator names none: all usable addresses but the gateway.
#[must_use]
pub fn default_pools(cidr: IpNet, gateway: Option<IpAddr>) -> Vec<Range> {
    let all = usable(cidr);
    match gateway.map(number) {
        Some(gateway) if all.contains(gateway) => all.without(gateway).collect(),
        _ => vec![all],
    }
}

/// The address that a host with `mac` makes for itself from the advertised prefix `cidr` (modified EUI-64).
#[must_use]
pub fn eui64(cidr: Ipv6Net, mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let interface = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    let prefix = u128::from(cidr.network()) >> 64 << 64;
    Ipv6Addr::from(prefix | u128::from(interface))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pools(cidr: &str, gateway: Option<&str>) -> Vec<(String, String)> {
        let cidr: IpNet = cidr.parse().unwrap();
        let v6 = is_v6(cidr.addr());
        let ranges = default_pools(cidr, gateway.map(|text| text.parse().unwrap()));
        ranges.iter().map(|r| (address(r.first, v6).to_string(), address(r.last, v6).to_string())).collect()
    }

    fn pair(first: &str, last: &str) -> (String, String) {
        (first.to_owned(), last.to_owned())
    }

    #[test]
    fn default_pools_leave_out_network_gateway_and_broadcast() {
        assert_eq!(pools("10.0.0.0/24", Some("10.0.0.1")), [pair("10.0.0.2", "10.0.0.254")]);
        assert_eq!(pools("10.0.0.0/24", None), [pair("10.0.0.1", "10.0.0.254")]);
        assert_eq!(
            pools("10.0.0.0/29", Some("10.0.0.4")),
            [pair("10.0.0.1", "10.0.0.3"), pair("10.0.0.5", "10.0.0.6")]
        );
        // As the reference shows for its public6 subnet, whose gateway is the network's own address.
        assert_eq!(
            pools("2001:db8:ffff::/64", Some("2001:db8:ffff::")),
            [pair("2001:db8:ffff::1", "2001:db8:ffff:0:ffff:ffff:ffff:ffff")]
        );
        assert_eq!(pools("10.0.0.4/31", None), [pair("10.0.0.4", "10.0.0.5")]);
    }

    #[test]
    fn the_eui64_address_is_the_kernels() {
        let address = eui64("2001:db8::/64".parse().unwrap(), [0xfa, 0x16, 0x3e, 0x12, 0x34, 0x56]);
        assert_eq!(address.to_string(), "2001:db8::f816:3eff:fe12:3456");
    }

    proptest! {
        #[test]
        fn numbers_and_addresses_are_each_others_inverse(bits in any::<u128>(), v4 in any::<u32>()) {
            prop_assert_eq!(number(address(bits, true)), bits);
            prop_assert_eq!(number(address(u128::from(v4), false)), u128::from(v4));
        }

        #[test]
        fn a_range_without_a_number_has_all_the_others(first in 0u128..50, length in 0u128..50, number in 0u128..110) {
            let range = Range { first, last: first + length };
            let left: Vec<u128> = range.without(number).flat_map(|r| r.first..=r.last).collect();
            let wanted: Vec<u128> = (range.first..=range.last).filter(|n| *n != number).collect();
            prop_assert_eq!(left, wanted);
        }
    }
}
