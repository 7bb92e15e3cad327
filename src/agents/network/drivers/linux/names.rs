//! The names of devices and namespaces.
//!
//! A device's name is the configured prefix, two letters for its kind, and ten hexadecimal digits of the id that it
//! stands for: at most 15 bytes, as the kernel wants. A name is ours exactly if it has this form.

use kit::ids::{NetworkId, PortId, RouterId};

use crate::drivers::driver::{DriverError, DriverResult};

/// How many digits of an id are in a name.
const DIGITS: usize = 10;

/// The kinds of devices that the driver makes in the host's own namespace.
const KINDS: [&str; 6] = ["br", "tp", "sv", "gw", "gp", "rt"];

/// Makes names with one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Names that begin with `prefix`: one to three lower-case letters or digits, a letter first.
    pub fn new(prefix: &str) -> DriverResult<Self> {
        let plain = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let lettered = prefix.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if plain && lettered && prefix.len() <= 3 {
            return Ok(Self { prefix: prefix.to_owned() });
        }
        let why = "must be one to three lower-case letters or digits, a letter first";
        Err(DriverError::invalid(format!("device prefix {prefix:?}"), why))
    }

    /// Names with the default prefix.
    #[must_use]
    pub fn fallback() -> Self {
        Self { prefix: "cb".to_owned() }
    }

    /// The prefix; also the name of our nftables tables.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A network's bridge.
    #[must_use]
    pub fn bridge(&self, network: &NetworkId) -> String {
        self.device("br", network.as_str())
    }

    /// A guest's tap.
    #[must_use]
    pub fn tap(&self, port: &PortId) -> String {
        self.device("tp", port.as_str())
    }

    /// The bridge's end of the veth to a network's DHCP namespace.
    #[must_use]
    pub fn service(&self, network: &NetworkId) -> String {
        self.device("sv", network.as_str())
    }

    /// The host's own leg in a network whose gateway it is.
    #[must_use]
    pub fn gateway(&self, network: &NetworkId) -> String {
        self.device("gw", network.as_str())
    }

    /// The bridge's end of the host's leg.
    #[must_use]
    pub fn gateway_peer(&self, network: &NetworkId) -> String {
        self.device("gp", network.as_str())
    }

    /// The bridge's end of the veth to a router's namespace.
    #[must_use]
    pub fn router_peer(&self, port: &PortId) -> String {
        self.device("rt", port.as_str())
    }

    /// A router's leg, inside of its namespace.
    #[must_use]
    pub fn router_leg(&self, port: &PortId) -> String {
        self.device("rl", port.as_str())
    }

    /// The namespace of a network's DHCP, DNS and metadata service.
    #[must_use]
    pub fn dhcp_namespace(&self, network: &NetworkId) -> String {
        format!("{}dhcp-{network}", self.prefix)
    }

    /// A router's namespace.
    #[must_use]
    pub fn router_namespace(&self, router: &RouterId) -> String {
        format!("{}router-{router}", self.prefix)
    }

    /// What tells our entries in the kernel's tables of neighbours from those of others: the number of a "protocol", of which none is
    /// known by these numbers.
    #[must_use]
    pub fn mark(&self) -> u64 {
        200 + fnv1a(&self.prefix) % 50
    }

    /// Whether a device in the host's namespace is one of ours.
    #[must_use]
    pub fn owns_device(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.prefix) else { return false };
        KINDS.iter().filter_map(|kind| rest.strip_prefix(kind)).any(is_short_id)
    }

    /// Whether a namespace is one of ours.
    #[must_use]
    pub fn owns_namespace(&self, name: &str) -> bool {
        name.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with("dhcp-") || rest.starts_with("router-"))
    }

    fn device(&self, kind: &str, id: &str) -> String {
        format!("{}{kind}{}", self.prefix, short_id(id))
    }
}

/// Ten hexadecimal digits for an id: a UUID's first ones, a hash of anything else.
#[must_use]
pub fn short_id(id: &str) -> String {
    let digits: String = id.chars().filter(|c| *c != '-').take(DIGITS).collect();
    if is_short_id(&digits) && id.len() >= 32 {
        digits
    } else {
        format!("{:016x}", fnv1a(id)).chars().take(DIGITS).collect()
    }
}

/// A locally administered Ethernet address that is always the same for `id`.
#[must_use]
pub fn stable_mac(id: &str) -> String {
    let [_, _, _, a, b, c, d, e] = fnv1a(id).to_be_bytes();
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

fn is_short_id(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// FNV-1a, 64 bits: stable across versions and architectures, unlike the standard library's hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_prefix_kind_and_digits() {
        let names = Names::new("cb").unwrap();
        let port = PortId::new("0123abcd-ef01-4000-8000-000000000000");
        assert_eq!(names.tap(&port), "cbtp0123abcdef");
        assert!(names.owns_device("cbtp0123abcdef"));
        for foreign in ["eth0", "cbtp0123abcde", "cbtp0123abcdeX", "cbxx0123abcdef", "xbtp0123abcdef"] {
            assert!(!names.owns_device(foreign), "{foreign}");
        }
    }

    #[test]
    fn prefixes_are_short_words() {
        for bad in ["", "abcd", "1a", "A", "a-b"] {
            assert!(Names::new(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn names_fit_and_two_clouds_do_not_meet(id in "[a-z0-9-]{1,36}", a in "[a-z][a-z0-9]{0,2}", b in "[a-z][a-z0-9]{0,2}") {
            let (mine, theirs) = (Names::new(&a).unwrap(), Names::new(&b).unwrap());
            let port = PortId::new(&id);
            for name in [mine.tap(&port), mine.router_peer(&port), mine.bridge(&NetworkId::new(&id))] {
                prop_assert!(name.len() <= 15);
                prop_assert!(mine.owns_device(&name));
                prop_assert!(a == b || !theirs.owns_device(&name));
            }
        }
    }
}
