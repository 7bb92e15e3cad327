//! Addresses of the LAN on a host with a single NIC: networks that the LAN's own router routes for ([`NetworkGateway::Lan`]).
//!
//! The NIC is in no bridge, so that it may as well be a wireless one, and the host's own connection is never touched. Of each address of such
//! a network that is on this host, the host
//! * has a route to it, out of its leg in the network;
//! * answers ARP for it at the external interface (a proxy entry), and says there that it does when that begins.
//!
//! On the leg it answers ARP for whatever is elsewhere (`proxy_arp`): for the LAN and its router. Only IPv4.
//!
//! A proxy entry is ours by the number of its protocol ([`Names::mark`]), a route by its device. Both are looked for in the kernel, not
//! remembered, so that what a process before this one has left is found. An interface that goes down loses its proxy entries:
//! [`Lan::repair`] puts them back.

mod arp;
mod table;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bus::topics::network_spec::NetworkGateway;
use kit::ids::NetworkId;

use super::names::Names;
use super::{link, netns, veth};
use crate::drivers::desired::Desired;
use crate::drivers::driver::DriverResult;
use table::Table;

const NOT_SET: &str = "addresses of the LAN are not announced: network.external_interface is not set";
const NOT_THERE: &str = "addresses of the LAN are not announced: the external interface is not there";

/// All that can stand in the way.
pub const OBSTACLES: [&str; 2] = [NOT_SET, NOT_THERE];

/// Addresses, and the host's leg that leads to each.
pub type Addresses = BTreeMap<Ipv4Addr, String>;

/// What a look at the kernel's tables came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// All was as it should be.
    None,
    /// Something was missing, and is there.
    Done,
    /// One of [`OBSTACLES`] stands in the way.
    Impossible(&'static str),
}

/// The host between its networks and the LAN.
#[derive(Debug)]
pub struct Lan {
    names: Names,
    interface: Option<String>,
    wanted: Addresses,
    /// Whether the kernel was made to have what is wanted.
    applied: bool,
}

impl Lan {
    /// At `interface`. Nothing is looked at or changed yet.
    #[must_use]
    pub fn new(names: Names, interface: Option<String>) -> Self {
        Self { names, interface, wanted: Addresses::new(), applied: false }
    }

    /// Announces the addresses of `desired`, and no others. Where something stands in the way that is not an error: [`Lan::repair`]
    /// tries again, and says so.
    ///
    /// # Errors
    /// What the kernel's tables cannot be read or changed for.
    pub async fn apply(&mut self, desired: &Desired) -> DriverResult<()> {
        let wanted = addresses(&self.names, desired);
        if !self.applied || self.wanted != wanted {
            self.wanted = wanted;
            self.make().await?;
        }
        Ok(())
    }

    /// Forgets what the kernel has.
    pub fn forget(&mut self) {
        self.applied = false;
    }

    /// Looks whether all is still announced, and puts it right.
    ///
    /// # Errors
    /// As [`Lan::apply`].
    pub async fn repair(&mut self) -> DriverResult<Repair> {
        if self.applied && self.wanted.is_empty() {
            return Ok(Repair::None);
        }
        self.make().await
    }

    async fn make(&mut self) -> DriverResult<Repair> {
        self.applied = false;
        let interface = match &self.interface {
            Some(name) if link::get(name).await?.is_some() => Ok(name.as_str()),
            Some(_) => Err(NOT_THERE),
            None => Err(NOT_SET),
        };
        let table = Table::read(&self.names).await?;
        let changes = table.changes(&self.wanted, interface.ok(), self.names.mark());
        link::batch("announcing addresses of the LAN", None, changes.lines).await?;
        match interface {
            Ok(interface) => {
                if !changes.new.is_empty() {
                    arp::announce(interface.to_owned(), changes.new).await;
                }
                self.applied = true;
                Ok(if changes.missing { Repair::Done } else { Repair::None })
            }
            Err(_) if self.wanted.is_empty() => {
                self.applied = true;
                Ok(Repair::None)
            }
            Err(obstacle) => Ok(Repair::Impossible(obstacle)),
        }
    }
}

/// Makes the host's leg in a network answer for the LAN, at once, and speak no IPv6 for itself.
///
/// # Errors
/// Where the kernel's parameters cannot be set.
pub async fn prepare_leg(device: &str) -> DriverResult<()> {
    veth::silence(device).await?;
    let parameters = [("conf", "proxy_arp", "1"), ("neigh", "proxy_delay", "0")];
    let parameters = parameters.map(|(kind, name, value)| (format!("net/ipv4/{kind}/{device}/{name}"), value));
    netns::set_parameters(None, parameters.to_vec()).await
}

/// What is on this host of networks whose addresses are the LAN's: of guests, services, routers, and floating IPs. Pure.
fn addresses(names: &Names, desired: &Desired) -> Addresses {
    let is_lan =
        |id: &NetworkId| desired.networks.get(id).is_some_and(|network| network.gateway == NetworkGateway::Lan);
    let mut found: Vec<(&NetworkId, IpAddr)> = Vec::new();
    for network in desired.networks.values() {
        let service = network.service_port.iter().flat_map(|port| &port.fixed_ips);
        found.extend(service.map(|ip| (&network.id, ip.ip_address)));
    }
    for port in desired.ports.values() {
        found.extend(port.fixed_ips.iter().map(|ip| (&port.network_id, ip.ip_address)));
    }
    for router in desired.routers.values() {
        for leg in &router.interfaces {
            found.extend(leg.addresses.iter().map(|address| (&leg.network_id, address.address.addr())));
        }
        if let Some(leg) = &router.gateway {
            let floating = router.floating_ips.iter().map(|floating| floating.floating_ip_address);
            let all = leg.addresses.iter().map(|address| address.address.addr()).chain(floating);
            found.extend(all.map(|ip| (&leg.network_id, ip)));
        }
    }
    let of_lan = found.into_iter().filter(|(network, _)| is_lan(network));
    of_lan
        .filter_map(|(network, ip)| match ip {
            IpAddr::V4(ip) => Some((ip, names.gateway(network))),
            IpAddr::V6(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use bus::topics::network_spec::*;

    use super::*;
    use crate::drivers::samples::*;

    #[test]
    fn addresses_of_networks_of_the_lan_are_announced_and_no_others() {
        let mut desired = Desired::default();
        let lan = NetworkSpec { subnets: vec![subnet("s2", "192.168.1.0/24")], ..network("lan", NetworkGateway::Lan) };
        let service = ServicePort { fixed_ips: vec![fixed("s2", "192.168.1.2")], ..lan.service_port.clone().unwrap() };
        desired.put_network(NetworkSpec { service_port: Some(service), ..lan }).unwrap();
        desired.put_network(network("n1", NetworkGateway::Host)).unwrap();
        desired.put_port(port("inside", "n1", 10, &[])).unwrap();
        let guest = PortSpec { fixed_ips: vec![fixed("s2", "192.168.1.5")], ..port("outside", "lan", 11, &[]) };
        desired.put_port(guest).unwrap();
        let gateway = RouterGateway {
            port_id: "rp".into(),
            network_id: "lan".into(),
            mac: "fa:16:3e:00:00:77".to_owned(),
            addresses: vec![InterfaceAddress { subnet_id: "s2".into(), address: "192.168.1.3/24".parse().unwrap() }],
            nexthops: vec![],
            enable_snat: true,
        };
        let floating = FloatingIpSpec {
            floating_ip_address: "192.168.1.4".parse().unwrap(),
            fixed_ip_address: "10.0.0.10".parse().unwrap(),
            port_id: "inside".into(),
        };
        let router = RouterSpec {
            id: "r".into(),
            admin_state_up: true,
            interfaces: vec![],
            gateway: Some(gateway),
            routes: vec![],
            floating_ips: vec![floating],
        };
        desired.put_router(router).unwrap();
        let names = Names::fallback();
        let found = addresses(&names, &desired);
        let last: Vec<u8> = found.keys().map(|ip| ip.octets()[3]).collect();
        assert_eq!(last, [2, 3, 4, 5]);
        assert!(found.values().all(|leg| *leg == names.gateway(&"lan".into())));
    }
}
