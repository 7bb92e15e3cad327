//! Subnets.

use std::net::IpAddr;

use ipnet::IpNet;
use kit::Fault;
use kit::ids::{NetworkId, ProjectId, SubnetId};

use super::allocation::{Asker, take_automatic};
use super::{Change, new_id, pools, service_ports};
use crate::db;
use crate::domain::address::{Range, address, default_gateway};
use crate::domain::attributes::Body;
use crate::domain::faults;
use crate::domain::model::{DHCP_OWNER, INTERFACE_OWNER, Network, Standard, Subnet};

/// The most name servers of a subnet.
const MOST_NAMESERVERS: usize = 5;
/// The most host routes of a subnet.
const MOST_HOST_ROUTES: usize = 20;

/// Makes a subnet for `project`.
///
/// # Errors
/// Neutron's errors for what cannot be.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Subnet, Fault> {
    let network_id = NetworkId::from(body.text("network_id").unwrap_or_default());
    let mut network =
        db::networks::get(change.db, &network_id)?.ok_or_else(|| faults::network_not_found(&network_id))?;
    db::quotas::reserve(change.db, project, "subnet", 1)?;
    let subnet = built(change, project, &network, body)?;
    for other in db::subnets::of_network(change.db, &network_id)? {
        if overlap(other.cidr, subnet.cidr) {
            let cidr = subnet.cidr;
            return Err(faults::invalid_input(format!(
                "Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet"
            )));
        }
    }
    db::subnets::put(change.db, &subnet)?;
    db::addresses::rebuild_free(change.db, &subnet)?;
    network.standard.touch(change.now);
    db::networks::put(change.db, &network)?;
    change.affected.networks.insert(network_id.clone());
    service_ports::ensure_everywhere(change, &network_id)?;
    if subnet.is_automatic() {
        give_automatic_addresses(change, &subnet)?;
    }
    Ok(subnet)
}

/// Whether two ranges have an address in common.
#[must_use]
pub fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

fn built(change: &Change<'_>, project: &ProjectId, network: &Network, body: &Body) -> Result<Subnet, Fault> {
    if body.text("subnetpool_id").is_some() {
        return Err(faults::bad("subnets", "subnet pools are not offered by this cloud"));
    }
    let cidr: IpNet = body
        .parsed("cidr")?
        .ok_or_else(|| faults::bad("subnets", "a subnetpool must be specified in the absence of a cidr"))?;
    let gateway_ip = if body.has("gateway_ip") { body.parsed("gateway_ip")? } else { Some(default_gateway(cidr)) };
    let standard = Standard::new(body.text("description").unwrap_or_default(), change.now);
    let subnet = Subnet {
        id: new_id::<SubnetId>(),
        network_id: network.id.clone(),
        project_id: project.clone(),
        name: body.text("name").unwrap_or_default(),
        cidr,
        gateway_ip,
        enable_dhcp: body.flag("enable_dhcp").unwrap_or(true),
        ipv6_ra_mode: body.text("ipv6_ra_mode"),
        ipv6_address_mode: body.text("ipv6_address_mode"),
        dns_nameservers: body.parsed("dns_nameservers")?.unwrap_or_default(),
        host_routes: body.parsed("host_routes")?.unwrap_or_default(),
        service_types: body.parsed("service_types")?.unwrap_or_default(),
        pools: pools::checked(body.parsed("allocation_pools")?, cidr, gateway_ip)?,
        external: network.external,
        standard,
    };
    let version = body.integer("ip_version").unwrap_or_default();
    if version != i64::from(subnet.ip_version()) {
        return Err(faults::invalid_input(format!("cidr '{cidr}' does not match the ip_version '{version}'")));
    }
    check(&subnet)?;
    Ok(subnet)
}

/// What must hold of a subnet, new or changed.
fn check(subnet: &Subnet) -> Result<(), Fault> {
    if let Some(gateway) = subnet.gateway_ip {
        pools::gateway_valid(gateway, subnet.cidr)?;
    }
    if subnet.dns_nameservers.len() > MOST_NAMESERVERS {
        return Err(faults::dns_exhausted(&subnet.id, MOST_NAMESERVERS));
    }
    if subnet.host_routes.len() > MOST_HOST_ROUTES {
        return Err(faults::host_routes_exhausted(&subnet.id, MOST_HOST_ROUTES));
    }
    let mismatch = |ip: &IpAddr| matches!(ip, IpAddr::V6(_)) != subnet.is_v6();
    if let Some(route) = subnet.host_routes.iter().find(|route| mismatch(&route.nexthop)) {
        let (ip, version) = (route.nexthop, subnet.ip_version());
        return Err(faults::invalid_input(format!("host_routes '{ip}' does not match the ip_version '{version}'")));
    }
    let too_small = if subnet.is_v6() { 127 } else { 30 };
    if subnet.enable_dhcp && subnet.cidr.prefix_len() > too_small {
        return Err(faults::invalid_input("Subnet has a prefix length that is incompatible with DHCP service enabled"));
    }
    check_ipv6(subnet)
}

fn check_ipv6(subnet: &Subnet) -> Result<(), Fault> {
    let (ra, mode) = (subnet.ipv6_ra_mode.as_deref(), subnet.ipv6_address_mode.as_deref());
    for (name, value) in [("ipv6_ra_mode", ra), ("ipv6_address_mode", mode)] {
        if value.is_some() && !subnet.is_v6() {
            return Err(faults::invalid_input(format!("{name} is not valid when ip_version is 4")));
        }
    }
    if (ra.is_some() || mode.is_some()) && !subnet.enable_dhcp {
        return Err(faults::invalid_input(
            "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False",
        ));
    }
    if let (Some(ra), Some(mode)) = (ra, mode)
        && ra != mode
    {
        return Err(faults::invalid_input(format!(
            "ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{mode}' is not valid. If both attributes are set, they must be the same value"
        )));
    }
    if subnet.is_automatic() && subnet.cidr.prefix_len() != 64 {
        let cidr = subnet.cidr;
        return Err(faults::invalid_input(format!(
            "Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64"
        )));
    }
    Ok(())
}

/// Gives the guests' ports that are already on the network their address of a new subnet.
fn give_automatic_addresses(change: &mut Change<'_>, subnet: &Subnet) -> Result<(), Fault> {
    for port in db::ports::of_network(change.db, &subnet.network_id)? {
        if port.is_service() {
            continue;
        }
        let asker = Asker {
            port: &port.id,
            network: &port.network_id,
            mac: &port.mac_address,
            device_owner: &port.device_owner,
        };
        let position = i64::try_from(port.fixed_ips.len()).unwrap_or_default();
        take_automatic(change, asker, subnet, position)?;
        change.affected.ports.insert(port.id);
        change.affected.members.extend(port.security_groups);
    }
    Ok(())
}

/// Changes a subnet.
///
/// # Errors
/// Neutron's errors for what cannot be.
pub fn update(change: &mut Change<'_>, id: &SubnetId, body: &Body) -> Result<Subnet, Fault> {
    let mut subnet = db::subnets::get(change.db, id)?.ok_or_else(|| faults::subnet_not_found(id))?;
    let old_gateway = subnet.gateway_ip;
    let text = |name: &str, old: &mut String| body.text(name).into_iter().for_each(|new| *old = new);
    text("name", &mut subnet.name);
    text("description", &mut subnet.standard.description);
    if body.has("gateway_ip") {
        subnet.gateway_ip = body.parsed("gateway_ip")?;
    }
    if let Some(dhcp) = body.flag("enable_dhcp") {
        subnet.enable_dhcp = dhcp;
    }
    if body.has("dns_nameservers") {
        subnet.dns_nameservers = body.parsed("dns_nameservers")?.unwrap_or_default();
    }
    if body.has("host_routes") {
        subnet.host_routes = body.parsed("host_routes")?.unwrap_or_default();
    }
    if body.has("service_types") {
        subnet.service_types = body.parsed("service_types")?.unwrap_or_default();
    }
    if let Some(asked) = body.parsed::<Vec<pools::Pool>>("allocation_pools")? {
        subnet.pools = pools::checked(Some(asked), subnet.cidr, subnet.gateway_ip)?;
    }
    check(&subnet)?;
    let named = subnet.pools.clone().into_iter().map(|pool| (pool, pool_text(pool, subnet.is_v6())));
    pools::gateway_outside(subnet.gateway_ip.filter(|_| subnet.gateway_ip != old_gateway), named)?;
    if let Some(gateway) = old_gateway.filter(|gateway| subnet.gateway_ip != Some(*gateway)) {
        gateway_unused(change, &subnet, gateway)?;
    }
    subnet.standard.touch(change.now);
    db::subnets::put(change.db, &subnet)?;
    db::addresses::rebuild_free(change.db, &subnet)?;
    change.affected.networks.insert(subnet.network_id.clone());
    service_ports::ensure_everywhere(change, &subnet.network_id)?;
    Ok(subnet)
}

fn pool_text(pool: Range, v6: bool) -> String {
    format!("{}-{}", address(pool.first, v6), address(pool.last, v6))
}

/// Refuses to leave a gateway address that a router has.
fn gateway_unused(change: &Change<'_>, subnet: &Subnet, gateway: IpAddr) -> Result<(), Fault> {
    let Some(port) = db::addresses::holder(change.db, &subnet.id, gateway)? else { return Ok(()) };
    let router = db::ports::get(change.db, &port)?.is_some_and(|port| port.device_owner == INTERFACE_OWNER);
    if router { Err(faults::gateway_in_use(gateway, port)) } else { Ok(()) }
}

/// Takes a subnet away. Addresses of service ports, and automatic ones of guests, go with it.
///
/// # Errors
/// `SubnetNotFound`, `SubnetInUse`.
pub fn delete(change: &mut Change<'_>, id: &SubnetId) -> Result<(), Fault> {
    let subnet = db::subnets::get(change.db, id)?.ok_or_else(|| faults::subnet_not_found(id))?;
    let holders: Vec<_> = db::ports::of_network(change.db, &subnet.network_id)?
        .into_iter()
        .filter(|port| port.fixed_ips.iter().any(|fixed| fixed.subnet_id == *id))
        .collect();
    let goes_with_it = |port: &crate::domain::model::Port| {
        port.device_owner == DHCP_OWNER || (subnet.is_automatic() && !port.is_service())
    };
    if !holders.iter().all(goes_with_it) {
        let reason = "One or more ports have an IP allocation from this subnet";
        return Err(faults::subnet_in_use(id, reason));
    }
    for port in holders {
        for fixed in port.fixed_ips.iter().filter(|fixed| fixed.subnet_id == *id) {
            db::addresses::give_back(change.db, fixed)?;
        }
        if !port.is_service() {
            change.affected.ports.insert(port.id);
            change.affected.members.extend(port.security_groups);
        }
    }
    db::subnets::delete(change.db, id)?;
    change.affected.networks.insert(subnet.network_id.clone());
    service_ports::ensure_everywhere(change, &subnet.network_id)
}
