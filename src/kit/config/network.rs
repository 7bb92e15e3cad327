//! The section `[network]`, and what it says of the LAN.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// Neutron.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// `linux` (bridges, namespaces, nftables, dnsmasq) or `fake`.
    pub driver: String,
    /// The range of the network made at first start.
    pub default_cidr: String,
    /// The name of the network made at first start.
    pub default_name: String,
    /// The range of the external network made at first start (`public`): a pool that exists on the hosts alone, or with
    /// `external_interface` the LAN's.
    pub external_cidr: String,
    /// The device at which the host is in a LAN: addresses of external networks of the type `flat` are announced there. Empty: nowhere.
    pub external_interface: String,
    /// The LAN's router. For the external network made at first start.
    pub external_gateway: String,
    /// The first and the last of the LAN's addresses that `public` may give out, as in `192.168.1.200-192.168.1.220`.
    pub external_range: String,
    /// Name servers handed to guests where the subnet names none. The host's own when empty.
    pub dns_servers: Vec<std::net::IpAddr>,
    /// Put before the name of every device and namespace, so that two clouds on one host do not meet.
    /// At most three characters.
    pub device_prefix: String,
    /// MTU of new networks.
    pub mtu: u32,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            driver: "linux".to_owned(),
            default_cidr: "10.20.0.0/24".to_owned(),
            default_name: "default".to_owned(),
            external_cidr: "172.24.4.0/24".to_owned(),
            external_interface: String::new(),
            external_gateway: String::new(),
            external_range: String::new(),
            dns_servers: Vec::new(),
            device_prefix: "cb".to_owned(),
            mtu: 1500,
        }
    }
}

/// The LAN that a cloud has addresses of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lan {
    /// The device at which the host is in it.
    pub interface: String,
    /// Its range.
    pub cidr: Ipv4Net,
    /// Its router.
    pub gateway: Ipv4Addr,
    /// The first address that the cloud may give out.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

/// A key of the section that is not as it must be, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanMistake {
    /// The key, from the root.
    pub key: &'static str,
    /// What it must be.
    pub reason: String,
}

impl NetworkConfig {
    /// The LAN that `public` is to be of, if it is.
    ///
    /// # Errors
    /// The first key that makes no sense.
    pub fn lan(&self) -> Result<Option<Lan>, LanMistake> {
        let mistake = |key, reason: &str| LanMistake { key, reason: reason.to_owned() };
        let interface = self.external_interface.clone();
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
        if interface.len() > 15 || !interface.bytes().all(plain) || matches!(interface.as_str(), "." | "..") {
            return Err(mistake("network.external_interface", "use the name of a network device: eth0"));
        }
        let given =
            [("network.external_gateway", &self.external_gateway), ("network.external_range", &self.external_range)];
        let mut given = given.into_iter().filter(|(_, value)| !value.is_empty());
        match (given.next(), interface.is_empty()) {
            (None, _) => return Ok(None),
            (Some((key, _)), true) => return Err(mistake(key, "it goes with network.external_interface")),
            (Some(_), false) => {}
        }
        let cidr: Ipv4Net = self
            .external_cidr
            .parse()
            .map_err(|_| mistake("network.external_cidr", "use the LAN's IPv4 range: 192.168.1.0/24"))?;
        let gateway = self.external_gateway.parse().ok().filter(|ip| cidr.contains(ip));
        let gateway = gateway.ok_or_else(|| {
            mistake("network.external_gateway", "use the address of the LAN's router, within network.external_cidr")
        })?;
        let wrong = |reason: &str| mistake("network.external_range", reason);
        let (first, last) = range(&self.external_range)
            .ok_or_else(|| wrong("use the first and the last address: 192.168.1.200-192.168.1.220"))?;
        let usable = |ip: &Ipv4Addr| cidr.contains(ip) && *ip != cidr.network() && *ip != cidr.broadcast();
        if !usable(&first) || !usable(&last) {
            return Err(wrong("use addresses within network.external_cidr"));
        }
        if (first..=last).contains(&gateway) {
            return Err(wrong("leave out network.external_gateway"));
        }
        Ok(Some(Lan { interface, cidr, gateway, first, last }))
    }
}

/// Reads `192.168.1.200-192.168.1.220`, or in short `192.168.1.200-220`.
#[must_use]
pub fn range(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (first, last) = text.split_once('-')?;
    let first: Ipv4Addr = first.trim().parse().ok()?;
    let [a, b, c, _] = first.octets();
    let last = match last.trim().parse::<u8>() {
        Ok(d) => Ipv4Addr::new(a, b, c, d),
        Err(_) => last.trim().parse().ok()?,
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan(interface: &str, gateway: &str, range: &str) -> NetworkConfig {
        NetworkConfig {
            external_cidr: "192.168.1.0/24".to_owned(),
            external_interface: interface.to_owned(),
            external_gateway: gateway.to_owned(),
            external_range: range.to_owned(),
            ..NetworkConfig::default()
        }
    }

    #[test]
    fn a_lan_is_read() {
        assert_eq!(NetworkConfig::default().lan(), Ok(None));
        // A cloud that has its networks already.
        assert_eq!(lan("eth0", "", "").lan(), Ok(None));
        let found = lan("eth0", "192.168.1.1", "192.168.1.200-220").lan().unwrap().unwrap();
        assert_eq!((found.first.octets()[3], found.last.octets()[3], found.gateway.octets()[3]), (200, 220, 1));
        assert_eq!(range("10.0.0.250 - 10.0.1.5"), Some(([10, 0, 0, 250].into(), [10, 0, 1, 5].into())));
        for wrong in ["", "10.0.0.1", "10.0.0.9-8", "10.0.0.1-256", "a-b", "::1-::2"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_key() {
        for (config, key) in [
            (lan("", "192.168.1.1", ""), "network.external_gateway"),
            (lan("", "", "192.168.1.200-220"), "network.external_range"),
            (lan("../eth0", "192.168.1.1", "192.168.1.200-220"), "network.external_interface"),
            (lan("eth0", "192.168.2.1", "192.168.1.200-220"), "network.external_gateway"),
            (lan("eth0", "", "192.168.1.200-220"), "network.external_gateway"),
            (lan("eth0", "192.168.1.1", "192.168.1.200"), "network.external_range"),
            (lan("eth0", "192.168.1.1", "192.168.2.200-220"), "network.external_range"),
            (lan("eth0", "192.168.1.1", "192.168.1.200-255"), "network.external_range"),
            (lan("eth0", "192.168.1.1", "192.168.1.1-20"), "network.external_range"),
            (NetworkConfig { external_cidr: "fd00::/64".to_owned(), ..lan("eth0", "a", "") }, "network.external_cidr"),
        ] {
            assert_eq!(config.lan().unwrap_err().key, key, "{config:?}");
        }
    }
}
