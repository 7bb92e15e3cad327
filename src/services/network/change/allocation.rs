//! Which addresses a port gets, and that nobody else has them.

use std::net::IpAddr;

use bus::topics::network_spec::FixedIp;
use ipnet::IpNet;
use kit::Fault;
use kit::ids::{NetworkId, PortId, SubnetId};
use serde::Deserialize;

use super::Change;
use crate::db::addresses;
use crate::domain::address::{eui64, is_v6, number, usable};
use crate::domain::model::{GATEWAY_OWNER, INTERFACE_OWNER, Subnet};
use crate::domain::{faults, mac};

/// An address as a body asks for it: this one, or any of that subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Wanted {
    /// From which subnet.
    pub subnet_id: Option<SubnetId>,
    /// Which one.
    pub ip_address: Option<IpAddr>,
}

/// A port in want of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Its id.
    pub port: &'a PortId,
    /// Its network.
    pub network: &'a NetworkId,
    /// Its Ethernet address.
    pub mac: &'a str,
    /// What it is for.
    pub device_owner: &'a str,
}

impl Asker<'_> {
    /// Whether it takes what its MAC says on a subnet of automatic addresses. Routers do not.
    fn is_automatic_on(&self, subnet: &Subnet) -> bool {
        subnet.is_automatic() && self.device_owner != INTERFACE_OWNER && self.device_owner != GATEWAY_OWNER
    }

    fn automatic(&self, subnet: &Subnet) -> Option<IpAddr> {
        match (subnet.cidr, mac::parse(self.mac)) {
            (IpNet::V6(cidr), Some(octets)) => Some(IpAddr::V6(eui64(cidr, octets))),
            _ => None,
        }
    }
}

/// Allocates what `wanted` names, or the usual when it is `None`: one IPv4 and one IPv6 address, and one of
/// each subnet with automatic addresses. Positions count from `first`.
///
/// # Errors
/// Neutron's errors for addresses that are taken, not of the network, or no more.
pub fn allocate(
    change: &Change<'_>,
    asker: Asker<'_>,
    subnets: &[Subnet],
    wanted: Option<&[Wanted]>,
    first: i64,
) -> Result<Vec<FixedIp>, Fault> {
    let mut fixed_ips: Vec<FixedIp> = Vec::new();
    let place = |taken: &Vec<FixedIp>| first + i64::try_from(taken.len()).unwrap_or_default();
    let Some(wanted) = wanted else {
        for v6 in [false, true] {
            fixed_ips.extend(usual(change, asker, subnets, v6, place(&fixed_ips))?);
        }
        for subnet in subnets.iter().filter(|subnet| asker.is_automatic_on(subnet)) {
            fixed_ips.push(take_automatic(change, asker, subnet, place(&fixed_ips))?);
        }
        return Ok(fixed_ips);
    };
    for one in wanted {
        fixed_ips.push(asked_for(change, asker, subnets, one, place(&fixed_ips))?);
    }
    Ok(fixed_ips)
}

/// An address of the first subnet of the family that has one left.
fn usual(
    change: &Change<'_>,
    asker: Asker<'_>,
    subnets: &[Subnet],
    v6: bool,
    position: i64,
) -> Result<Option<FixedIp>, Fault> {
    let serves = |subnet: &Subnet| {
        subnet.service_types.is_empty() || subnet.service_types.iter().any(|owner| owner == asker.device_owner)
    };
    let mut candidates = subnets
        .iter()
        .filter(|subnet| subnet.is_v6() == v6 && !asker.is_automatic_on(subnet) && serves(subnet))
        .peekable();
    if candidates.peek().is_none() {
        return Ok(None);
    }
    for subnet in candidates {
        if let Some(ip_address) = addresses::take_next(change.db, subnet, asker.port, position)? {
            return Ok(Some(FixedIp { subnet_id: subnet.id.clone(), ip_address }));
        }
    }
    Err(faults::no_more_addresses(asker.network))
}

fn asked_for(
    change: &Change<'_>,
    asker: Asker<'_>,
    subnets: &[Subnet],
    wanted: &Wanted,
    position: i64,
) -> Result<FixedIp, Fault> {
    let subnet = match (&wanted.subnet_id, wanted.ip_address) {
        (Some(id), _) => subnets.iter().find(|subnet| subnet.id == *id).ok_or_else(|| {
            let network = asker.network;
            faults::invalid_input(format!(
                "Failed to create port on network {network}, because fixed_ips included invalid subnet {id}"
            ))
        })?,
        (None, Some(ip)) => {
            let found = subnets.iter().find(|subnet| subnet.cidr.contains(&ip));
            found.ok_or_else(|| faults::invalid_ip_for_network(ip))?
        }
        (None, None) => return Err(faults::invalid_input("IP allocation requires subnet_id or ip_address")),
    };
    let Some(ip) = wanted.ip_address else {
        if asker.is_automatic_on(subnet) {
            return take_automatic(change, asker, subnet, position);
        }
        let taken = addresses::take_next(change.db, subnet, asker.port, position)?;
        let ip_address = taken.ok_or_else(|| faults::no_more_addresses_in_subnet(&subnet.id))?;
        return Ok(FixedIp { subnet_id: subnet.id.clone(), ip_address });
    };
    if is_v6(ip) != subnet.is_v6()
        || !subnet.cidr.contains(&ip)
        || (!is_v6(ip) && !usable(subnet.cidr).contains(number(ip)))
    {
        return Err(faults::invalid_ip_for_subnet(ip));
    }
    if asker.is_automatic_on(subnet) && asker.automatic(subnet) != Some(ip) {
        let id = &subnet.id;
        return Err(faults::invalid_input(format!(
            "IPv6 address {ip} can not be directly assigned to a port on subnet {id} as the subnet is configured for automatic addresses"
        )));
    }
    take(change, asker, subnet, ip, position)
}

/// Takes the address on `subnet` that follows from the port's MAC.
///
/// # Errors
/// `IpAddressAlreadyAllocated`.
pub fn take_automatic(change: &Change<'_>, asker: Asker<'_>, subnet: &Subnet, position: i64) -> Result<FixedIp, Fault> {
    let ip = asker.automatic(subnet).ok_or_else(|| faults::no_more_addresses_in_subnet(&subnet.id))?;
    take(change, asker, subnet, ip, position)
}

fn take(change: &Change<'_>, asker: Asker<'_>, subnet: &Subnet, ip: IpAddr, position: i64) -> Result<FixedIp, Fault> {
    if addresses::take(change.db, &subnet.id, ip, asker.port, position)? {
        Ok(FixedIp { subnet_id: subnet.id.clone(), ip_address: ip })
    } else {
        Err(faults::ip_allocated(ip, &subnet.id))
    }
}
