//! What a host is to look like, object by object. Pure bookkeeping that every driver shares.
//!
//! Invariant: whatever is in here passed [`super::validate`], and what it refers to is in here too.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bus::topics::network_spec::{
    GroupMembers, HostState, NetworkGateway, NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec,
};
use ipnet::IpNet;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};

use super::driver::{DriverError, DriverResult};
use super::validate;

/// All objects of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Its networks.
    pub networks: BTreeMap<NetworkId, NetworkSpec>,
    /// Its security groups.
    pub groups: BTreeMap<SecurityGroupId, SecurityGroupSpec>,
    /// Addresses of groups' ports on other hosts.
    pub members: BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>,
    /// Its guests' ports.
    pub ports: BTreeMap<PortId, PortSpec>,
    /// Its routers.
    pub routers: BTreeMap<RouterId, RouterSpec>,
}

impl Desired {
    /// The state as specs, and what was wrong with those that had to be left out.
    #[must_use]
    pub fn from_state(state: HostState) -> (Self, Vec<DriverError>) {
        let mut desired = Self::default();
        let mut failures = Vec::new();
        let mut note = |result: DriverResult<()>| failures.extend(result.err());
        for network in state.networks {
            note(desired.put_network(network));
        }
        for group in state.security_groups {
            note(desired.put_group(group));
        }
        state.group_members.into_iter().for_each(|members| desired.put_members(members));
        for port in state.ports {
            note(desired.put_port(port));
        }
        for router in state.routers {
            note(desired.put_router(router));
        }
        (desired, failures)
    }

    /// Adds or replaces a network.
    pub fn put_network(&mut self, network: NetworkSpec) -> DriverResult<()> {
        validate::network(&network)?;
        self.refuse_overlap(&network)?;
        self.networks.insert(network.id.clone(), network);
        Ok(())
    }

    /// The host has one routing table for all networks that it has a leg in.
    fn refuse_overlap(&self, network: &NetworkSpec) -> DriverResult<()> {
        let host_side = |other: &&NetworkSpec| other.gateway != NetworkGateway::Router && other.id != network.id;
        if network.gateway == NetworkGateway::Router {
            return Ok(());
        }
        for other in self.networks.values().filter(host_side) {
            let overlaps = |a: &IpNet, b: &IpNet| a.contains(&b.network()) || b.contains(&a.network());
            for subnet in &network.subnets {
                if other.subnets.iter().any(|theirs| overlaps(&theirs.cidr, &subnet.cidr)) {
                    let why =
                        format!("{} overlaps with network {}, and the host routes for both", subnet.cidr, other.id);
                    return Err(DriverError::invalid(format!("network {}", network.id), why));
                }
            }
        }
        Ok(())
    }

    /// Takes a network away, unless something is on it.
    pub fn take_network(&mut self, id: &NetworkId) -> DriverResult<Option<NetworkSpec>> {
        let port = self.ports.values().find(|port| port.network_id == *id).map(|port| format!("port {}", port.id));
        let user = port.or_else(|| {
            let on_it = |router: &&RouterSpec| router_networks(router).any(|network| network == id);
            self.routers.values().find(on_it).map(|router| format!("router {}", router.id))
        });
        match user {
            Some(user) => Err(DriverError::InUse { what: format!("network {id}"), user }),
            None => Ok(self.networks.remove(id)),
        }
    }

    /// Adds or replaces a security group.
    pub fn put_group(&mut self, group: SecurityGroupSpec) -> DriverResult<()> {
        validate::security_group(&group)?;
        self.groups.insert(group.id.clone(), group);
        Ok(())
    }

    /// Takes a security group away, unless ports are in it.
    pub fn take_group(&mut self, id: &SecurityGroupId) -> DriverResult<()> {
        if let Some(port) = self.ports.values().find(|port| port.security_groups.contains(id)) {
            let user = format!("port {}", port.id);
            return Err(DriverError::InUse { what: format!("security group {id}"), user });
        }
        self.groups.remove(id);
        self.members.remove(id);
        Ok(())
    }

    /// Replaces a group's addresses on other hosts. The group itself may come later.
    pub fn put_members(&mut self, members: GroupMembers) {
        self.members.insert(members.group_id, members.addresses.into_iter().collect());
    }

    /// Adds or replaces a port.
    pub fn put_port(&mut self, port: PortSpec) -> DriverResult<()> {
        let what = || format!("port {}", port.id);
        let Some(network) = self.networks.get(&port.network_id) else {
            return Err(missing(what(), "network", port.network_id.as_str()));
        };
        validate::port(&port, network)?;
        if let Some(group) = port.security_groups.iter().find(|group| !self.groups.contains_key(*group)) {
            return Err(missing(what(), "security group", group.as_str()));
        }
        self.ports.insert(port.id.clone(), port);
        Ok(())
    }

    /// Adds or replaces a router.
    pub fn put_router(&mut self, router: RouterSpec) -> DriverResult<()> {
        validate::router(&router)?;
        if let Some(network) = router_networks(&router).find(|network| !self.networks.contains_key(*network)) {
            return Err(missing(format!("router {}", router.id), "network", network.as_str()));
        }
        self.routers.insert(router.id.clone(), router);
        Ok(())
    }

    /// All addresses of a group's ports, here and elsewhere. What a port may send from besides its own counts too.
    #[must_use]
    pub fn group_addresses(&self, id: &SecurityGroupId) -> BTreeSet<IpNet> {
        let elsewhere = self.members.get(id).into_iter().flatten().copied().map(IpNet::from);
        let here = self.ports.values().filter(|port| port.security_groups.contains(id)).flat_map(|port| {
            let fixed = port.fixed_ips.iter().map(|ip| IpNet::from(ip.ip_address));
            fixed.chain(port.allowed_address_pairs.iter().map(|pair| pair.ip_address.trunc()))
        });
        elsewhere.chain(here).collect()
    }

    /// The port that has `ip` on `network`.
    #[must_use]
    pub fn port_by_address(&self, network: &NetworkId, ip: IpAddr) -> Option<&PortSpec> {
        let has =
            |port: &&PortSpec| port.network_id == *network && port.fixed_ips.iter().any(|own| own.ip_address == ip);
        self.ports.values().find(has)
    }

    /// The ports of a network, in order of id.
    pub fn ports_on<'a>(&'a self, network: &'a NetworkId) -> impl Iterator<Item = &'a PortSpec> {
        self.ports.values().filter(move |port| port.network_id == *network)
    }
}

/// The networks that a router has a leg in.
pub fn router_networks(router: &RouterSpec) -> impl Iterator<Item = &NetworkId> {
    let gateway = router.gateway.iter().map(|gateway| &gateway.network_id);
    router.interfaces.iter().map(|interface| &interface.network_id).chain(gateway)
}

fn missing(what: String, kind: &'static str, id: &str) -> DriverError {
    DriverError::Missing { what, kind, id: id.to_owned() }
}
