//! What this host is called, and by which addresses it is reached.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The most addresses that are certified: a host with more has most of them for its guests.
const MOST: usize = 64;

/// What clients may call the host by, where `listen` is listened on. `public_url` is what they are told, `more` what the operator adds,
/// and `device_prefix` tells the devices of guests' networks from the host's own.
pub(super) fn of_host(listen: IpAddr, public_url: &str, more: &[String], device_prefix: &str) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = more.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.extend(host_of(public_url));
    let node = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    if is_name(&node) {
        // As multicast DNS has it.
        names.extend((!node.contains('.')).then(|| format!("{node}.local")));
        names.insert(node);
    }
    names.insert("localhost".to_owned());
    if listen.is_unspecified() {
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
        names.extend(addresses(device_prefix).into_iter().map(|address| address.to_string()).take(MOST));
    } else {
        names.insert(listen.to_string());
    }
    names
}

/// The host of a URL, without brackets and port.
pub(super) fn host_of(url: &str) -> Option<String> {
    let uri: hyper::Uri = url.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    (host.parse::<IpAddr>().is_ok() || is_name(&host)).then_some(host)
}

/// Whether a certificate can be for `name`.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.len() < 64 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() < 254 && name.split('.').all(label)
}

/// The host's own addresses that others can use.
fn addresses(device_prefix: &str) -> BTreeSet<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the host's addresses cannot be read: the certificate lacks them");
        Vec::new()
    });
    let own = interfaces.into_iter().filter(|interface| !is_of_guests(&interface.name, device_prefix));
    own.map(|interface| interface.ip()).filter(is_useful).collect()
}

/// Whether it is a device of guests' networks: the prefix, its kind in two letters, ten digits of an id.
fn is_of_guests(device: &str, prefix: &str) -> bool {
    device.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 12 && rest.get(2..).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn is_useful(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_unspecified(),
        // A link-local one is nothing without its zone, which no URL has.
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_name_and_the_listening_address_are_among_them() {
        let names = of_host("192.0.2.1".parse().unwrap(), "https://Cloud.Example:8774", &["alias".to_owned()], "cb");
        for name in ["cloud.example", "192.0.2.1", "alias", "localhost"] {
            assert!(names.contains(name), "{name} in {names:?}");
        }
        assert!(!names.contains("127.0.0.1"));
        let all = of_host("0.0.0.0".parse().unwrap(), "https://[2001:db8::1]:1", &[], "cb");
        assert!(all.contains("127.0.0.1") && all.contains("2001:db8::1"), "{all:?}");
    }

    #[test]
    fn guests_devices_are_not_the_hosts() {
        assert!(is_of_guests("cbbr0123456789", "cb"));
        for other in ["cbbr012345678x", "eth0", "cb0", "br0123456789"] {
            assert!(!is_of_guests(other, "cb"), "{other}");
        }
        for bad in ["169.254.1.1", "fe80::1", "::"] {
            assert!(!is_useful(&bad.parse().unwrap()), "{bad}");
        }
    }

    #[test]
    fn urls_without_a_host_have_no_name() {
        assert_eq!(host_of("https://a.example/x").as_deref(), Some("a.example"));
        assert_eq!(host_of("https://[::1]:9").as_deref(), Some("::1"));
        assert_eq!((host_of("nonsense//"), host_of("https://a_b/")), (None, None));
    }
}
