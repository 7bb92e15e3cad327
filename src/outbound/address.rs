//! Which addresses belong to everybody.
//!
//! Whatever is not plainly a host on the Internet is refused: this host, its networks, the metadata services of clouds, and each
//! notation that hides an IPv4 address in an IPv6 one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn four(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn six(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 that is nobody's on the Internet (IANA's special-purpose registry), and what answers hosts of one cloud only.
const NOT_PUBLIC_4: &[Ipv4Net] = &[
    four(0, 0, 0, 0, 8),
    four(10, 0, 0, 0, 8),
    four(100, 64, 0, 0, 10),
    four(127, 0, 0, 0, 8),
    four(169, 254, 0, 0, 16),
    four(172, 16, 0, 0, 12),
    four(192, 0, 0, 0, 24),
    four(192, 0, 2, 0, 24),
    four(192, 88, 99, 0, 24),
    four(192, 168, 0, 0, 16),
    four(198, 18, 0, 0, 15),
    four(198, 51, 100, 0, 24),
    four(203, 0, 113, 0, 24),
    four(224, 0, 0, 0, 3),
    // Azure's host: public by its number, but each guest's own.
    four(168, 63, 129, 16, 32),
];

/// IPv6 outside of what is handed out on the Internet (2000::/3) is refused altogether; these are exceptions within it.
const NOT_PUBLIC_6: &[Ipv6Net] = &[
    // Teredo, benchmarks, ORCHID and the rest of IETF's own.
    six(0x2001, 0, 0, 23),
    six(0x2001, 0xdb8, 0, 32),
    six(0x3fff, 0, 0, 20),
];
const GLOBAL_6: Ipv6Net = six(0x2000, 0, 0, 3);
const SIX_TO_FOUR: Ipv6Net = six(0x2002, 0, 0, 16);
const NAT64: Ipv6Net = six(0x64, 0xff9b, 0, 96);

/// The address that a connection to `address` reaches in the end: IPv4 in IPv6's clothes is unwrapped.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else { return address };
    if let Some(inner) = address.to_ipv4_mapped() {
        return IpAddr::V4(inner);
    }
    let [.., a, b, c, d] = address.octets();
    if NAT64.contains(&address) {
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    let [_, _, a, b, c, d, ..] = address.octets();
    if SIX_TO_FOUR.contains(&address) {
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    IpAddr::V6(address)
}

/// Whether `address` is a host's on the Internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(address) => !NOT_PUBLIC_4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => GLOBAL_6.contains(&address) && !NOT_PUBLIC_6.iter().any(|net| net.contains(&address)),
    }
}

/// Whether `address` is in one of `networks`, in whatever clothes.
#[must_use]
pub fn is_within(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|net| net.contains(&canonical(address)) || net.contains(&address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn only_hosts_on_the_internet_are_public() {
        for yes in [
            "1.1.1.1",
            "9.9.9.9",
            "151.101.1.1",
            "2606:4700::1111",
            "2a04:4e42::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(public(yes), "{yes}");
        }
        for no in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1.1.1.1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "100::1",
            "5f00::1",
        ] {
            assert!(!public(no), "{no}");
        }
    }

    #[test]
    fn a_network_is_found_in_every_notation() {
        let networks = ["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()];
        for yes in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::5"] {
            assert!(is_within(yes.parse().unwrap(), &networks), "{yes}");
        }
        for no in ["10.2.0.1", "fd00:2::5", "127.0.0.1"] {
            assert!(!is_within(no.parse().unwrap(), &networks), "{no}");
        }
    }

    proptest! {
        #[test]
        fn no_clothes_make_an_address_public(four in any::<u32>()) {
            let plain = Ipv4Addr::from(four);
            let [a, b, c, d] = plain.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let clothes = [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ];
            for dressed in clothes {
                prop_assert_eq!(is_public(IpAddr::V6(dressed)), is_public(IpAddr::V4(plain)));
            }
            prop_assert!(!is_public(IpAddr::V6(plain.to_ipv6_compatible_unmapped())));
        }
    }

    trait Compatible {
        fn to_ipv6_compatible_unmapped(&self) -> Ipv6Addr;
    }

    impl Compatible for Ipv4Addr {
        fn to_ipv6_compatible_unmapped(&self) -> Ipv6Addr {
            Ipv6Addr::from(u128::from(u32::from(*self)))
        }
    }
}
