//! Routers: their legs in tenants' networks, their gateway, their routes.

use std::net::IpAddr;

use bus::topics::network_spec::{FixedIp, Route};
use kit::Fault;
use kit::ids::{NetworkId, PortId, ProjectId, RouterId, SubnetId};
use serde::Deserialize;

use super::allocation::Wanted;
use super::ports::{blank, insert, remove};
use super::subnets::overlap;
use super::{Change, new_id};
use crate::db;
use crate::domain::affected::Removal;
use crate::domain::attributes::Body;
use crate::domain::model::{GATEWAY_OWNER, Gateway, INTERFACE_OWNER, Port, PortStatus, Router, Standard, Subnet};
use crate::domain::{faults, python};

/// The most routes of a router.
const MOST_ROUTES: usize = 30;

/// `external_gateway_info` in a body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct GatewayInfo {
    network_id: NetworkId,
    enable_snat: Option<bool>,
    external_fixed_ips: Option<Vec<Wanted>>,
}

/// What `add_router_interface` and `remove_router_interface` answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The router.
    pub router: Router,
    /// The leg.
    pub port: Port,
    /// The subnets that it is on.
    pub subnets: Vec<SubnetId>,
}

/// Makes a router for `project`.
///
/// # Errors
/// `OverQuota`, and what a gateway can be refused for.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Router, Fault> {
    db::quotas::reserve(change.db, project, "router", 1)?;
    let mut standard = Standard::new(body.text("description").unwrap_or_default(), change.now);
    standard.revision_number = 1;
    let mut router = Router {
        id: new_id::<RouterId>(),
        project_id: project.clone(),
        name: body.text("name").unwrap_or_default(),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        gateway: None,
        enable_snat: true,
        routes: Vec::new(),
        host: db::agents::least_loaded(change.db)?,
        standard,
    };
    db::routers::put(change.db, &router)?;
    if let Some(info) = body.parsed("external_gateway_info")? {
        set_gateway(change, &mut router, &info)?;
        db::routers::put(change.db, &router)?;
    }
    change.affected.routers.insert(router.id.clone());
    Ok(router)
}

/// Changes a router.
///
/// # Errors
/// `RouterNotFound`, and what gateways and routes can be refused for.
pub fn update(change: &mut Change<'_>, id: &RouterId, body: &Body) -> Result<Router, Fault> {
    let mut router = get(change, id)?;
    let text = |name: &str, old: &mut String| body.text(name).into_iter().for_each(|new| *old = new);
    text("name", &mut router.name);
    text("description", &mut router.standard.description);
    if let Some(up) = body.flag("admin_state_up") {
        router.admin_state_up = up;
    }
    if body.has("external_gateway_info") {
        match body.parsed("external_gateway_info")? {
            Some(info) => set_gateway(change, &mut router, &info)?,
            None => clear_gateway(change, &mut router)?,
        }
    }
    if let Some(routes) = body.parsed::<Vec<Route>>("routes")? {
        check_routes(change, &router, &routes)?;
        router.routes = routes;
    }
    router.standard.touch(change.now);
    db::routers::put(change.db, &router)?;
    change.affected.routers.insert(id.clone());
    Ok(router)
}

fn get(change: &Change<'_>, id: &RouterId) -> Result<Router, Fault> {
    db::routers::get(change.db, id)?.ok_or_else(|| faults::router_not_found(id))
}

fn set_gateway(change: &mut Change<'_>, router: &mut Router, info: &GatewayInfo) -> Result<(), Fault> {
    if let Some(snat) = info.enable_snat {
        router.enable_snat = snat;
    }
    let same = router.gateway.as_ref().is_some_and(|gateway| gateway.network_id == info.network_id);
    if same && info.external_fixed_ips.is_none() {
        return Ok(());
    }
    let found = db::networks::get(change.db, &info.network_id)?;
    let network = found.ok_or_else(|| faults::network_not_found(&info.network_id))?;
    if !network.external {
        return Err(faults::bad("router", format!("Network {} is not an external network", network.id)));
    }
    clear_gateway(change, router)?;
    let subnets = db::subnets::of_network(change.db, &network.id)?;
    check_overlaps(change, router, &subnets)?;
    // The gateway's port is nobody's: it neither counts for the project nor shows in its lists.
    let mut port = blank(&network, &ProjectId::new(""), change.now);
    port.device_owner = GATEWAY_OWNER.to_owned();
    port.device_id = router.id.to_string();
    port.port_security_enabled = false;
    port.binding_host = router.host.clone();
    port.status = PortStatus::Active;
    let port = insert(change, port, &subnets, info.external_fixed_ips.as_deref())?;
    if port.fixed_ips.is_empty() {
        return Err(faults::bad("router", format!("No IPs available for external network {}", network.id)));
    }
    router.gateway = Some(Gateway { port_id: port.id, network_id: network.id, fixed_ips: port.fixed_ips });
    Ok(())
}

fn clear_gateway(change: &mut Change<'_>, router: &mut Router) -> Result<(), Fault> {
    let Some(gateway) = router.gateway.take() else { return Ok(()) };
    if !db::floatingips::of_router(change.db, &router.id)?.is_empty() {
        return Err(faults::gateway_in_use_by_floating_ip(&router.id, &gateway.network_id));
    }
    db::routers::put(change.db, router)?;
    match db::ports::get(change.db, &gateway.port_id)? {
        Some(port) => remove(change, port),
        None => Ok(()),
    }
}

/// Refuses subnets that overlap with those that the router is on already.
fn check_overlaps(change: &Change<'_>, router: &Router, new: &[Subnet]) -> Result<(), Fault> {
    for id in connected(change, router)?.into_iter().map(|fixed| fixed.subnet_id) {
        let Some(old) = db::subnets::get(change.db, &id)? else { continue };
        for subnet in new {
            if subnet.id == id {
                return Err(faults::bad("router", format!("Router already has a port on subnet {id}")));
            }
            if overlap(subnet.cidr, old.cidr) {
                let (cidr, new, old_cidr) = (subnet.cidr, &subnet.id, old.cidr);
                let text = format!("Cidr {cidr} of subnet {new} overlaps with cidr {old_cidr} of subnet {id}");
                return Err(faults::bad("router", text));
            }
        }
    }
    Ok(())
}

/// All addresses of the router's legs.
fn connected(change: &Change<'_>, router: &Router) -> Result<Vec<FixedIp>, Fault> {
    let ports = db::ports::of_device(change.db, router.id.as_str())?;
    Ok(ports.into_iter().filter(Port::is_service).flat_map(|port| port.fixed_ips).collect())
}

fn check_routes(change: &Change<'_>, router: &Router, routes: &[Route]) -> Result<(), Fault> {
    if routes.len() > MOST_ROUTES {
        return Err(faults::routes_exhausted(&router.id, MOST_ROUTES));
    }
    let legs = connected(change, router)?;
    let mut cidrs = Vec::new();
    for leg in &legs {
        cidrs.extend(db::subnets::get(change.db, &leg.subnet_id)?.map(|subnet| subnet.cidr));
    }
    let refuse = |reason: &str| {
        let text = serde_json::to_value(routes).map(|routes| python::repr(&routes)).unwrap_or_default();
        Err(faults::invalid_routes(text, reason))
    };
    for route in routes {
        if !cidrs.iter().any(|cidr| cidr.contains(&route.nexthop)) {
            return refuse("the nexthop is not connected with router");
        }
        if legs.iter().any(|leg| leg.ip_address == route.nexthop) {
            return refuse("the nexthop is used by router");
        }
    }
    Ok(())
}

/// Takes a router away.
///
/// # Errors
/// `RouterNotFound`, `RouterInUse`.
pub fn delete(change: &mut Change<'_>, id: &RouterId) -> Result<(), Fault> {
    let mut router = get(change, id)?;
    let legs = db::ports::of_device(change.db, id.as_str())?;
    if legs.iter().any(|port| port.device_owner == INTERFACE_OWNER) {
        return Err(faults::router_in_use(id));
    }
    clear_gateway(change, &mut router)?;
    db::routers::delete(change.db, id)?;
    if let Some(host) = router.host {
        change.affected.removed.push((host, Removal::Router(id.clone())));
    }
    Ok(())
}

/// Puts a router on a subnet, at the subnet's gateway address, or takes a port for a leg.
///
/// # Errors
/// `BadRequest` for what cannot be, `PortInUse`, `IpAddressAlreadyAllocated`.
pub fn add_interface(
    change: &mut Change<'_>,
    id: &RouterId,
    subnet_id: Option<SubnetId>,
    port_id: Option<PortId>,
) -> Result<Interface, Fault> {
    let mut router = get(change, id)?;
    let port = match (subnet_id, port_id) {
        (Some(_), Some(_)) => return Err(faults::bad("router", "Cannot specify both subnet-id and port-id")),
        (None, None) => return Err(faults::bad("router", "Either subnet_id or port_id must be specified")),
        (Some(subnet), None) => leg_on_subnet(change, &router, &subnet)?,
        (None, Some(port)) => leg_of_port(change, &router, &port)?,
    };
    router.standard.touch(change.now);
    db::routers::put(change.db, &router)?;
    change.affected.routers.insert(id.clone());
    change.affected.networks.insert(port.network_id.clone());
    let subnets = port.fixed_ips.iter().map(|fixed| fixed.subnet_id.clone()).collect();
    Ok(Interface { router, port, subnets })
}

fn leg_on_subnet(change: &mut Change<'_>, router: &Router, id: &SubnetId) -> Result<Port, Fault> {
    let subnet = db::subnets::get(change.db, id)?.ok_or_else(|| faults::subnet_not_found(id))?;
    let gateway: IpAddr =
        subnet.gateway_ip.ok_or_else(|| faults::bad("router", "Subnet for router interface must have a gateway IP"))?;
    check_overlaps(change, router, std::slice::from_ref(&subnet))?;
    let network = db::networks::get(change.db, &subnet.network_id)?;
    let network = network.ok_or_else(|| faults::network_not_found(&subnet.network_id))?;
    db::quotas::reserve(change.db, &router.project_id, "port", 1)?;
    let mut port = blank(&network, &router.project_id, change.now);
    port.device_owner = INTERFACE_OWNER.to_owned();
    port.device_id = router.id.to_string();
    port.port_security_enabled = false;
    port.binding_host = router.host.clone();
    port.status = PortStatus::Active;
    let subnets = db::subnets::of_network(change.db, &network.id)?;
    insert(change, port, &subnets, Some(&[Wanted { subnet_id: Some(subnet.id), ip_address: Some(gateway) }]))
}

fn leg_of_port(change: &mut Change<'_>, router: &Router, id: &PortId) -> Result<Port, Fault> {
    let mut port = db::ports::get(change.db, id)?.ok_or_else(|| faults::port_not_found(id))?;
    if !port.device_id.is_empty() {
        return Err(faults::port_in_use(id, &port.network_id, &port.device_id));
    }
    if port.fixed_ips.is_empty() {
        return Err(faults::bad("router", "Router port must have at least one fixed IP"));
    }
    let mut subnets = Vec::new();
    for fixed in &port.fixed_ips {
        subnets.extend(db::subnets::get(change.db, &fixed.subnet_id)?);
    }
    check_overlaps(change, router, &subnets)?;
    port.device_owner = INTERFACE_OWNER.to_owned();
    port.device_id = router.id.to_string();
    port.port_security_enabled = false;
    port.binding_host = router.host.clone();
    port.status = PortStatus::Active;
    change.affected.members.extend(std::mem::take(&mut port.security_groups));
    port.standard.touch(change.now);
    db::ports::put(change.db, &port)?;
    Ok(port)
}

/// Takes a router off a subnet, or lets go of a leg; its port goes.
///
/// # Errors
/// `RouterInterfaceNotFound`, `RouterInterfaceNotFoundForSubnet`, `RouterInterfaceInUseByRoute`.
pub fn remove_interface(
    change: &mut Change<'_>,
    id: &RouterId,
    subnet_id: Option<SubnetId>,
    port_id: Option<PortId>,
) -> Result<Interface, Fault> {
    let mut router = get(change, id)?;
    if subnet_id.is_none() && port_id.is_none() {
        return Err(faults::bad("router", "Either subnet_id or port_id must be specified"));
    }
    let legs = db::ports::of_device(change.db, id.as_str())?;
    let is_on = |port: &Port, subnet: &SubnetId| port.fixed_ips.iter().any(|fixed| fixed.subnet_id == *subnet);
    let found = legs.into_iter().filter(|port| port.device_owner == INTERFACE_OWNER).find(|port| {
        port_id.as_ref().is_none_or(|id| port.id == *id) && subnet_id.as_ref().is_none_or(|subnet| is_on(port, subnet))
    });
    let port = found.ok_or_else(|| match (&port_id, &subnet_id) {
        (Some(port), _) => faults::router_interface_not_found(id, port),
        (None, Some(subnet)) => faults::router_interface_not_found_for_subnet(id, subnet),
        (None, None) => faults::router_not_found(id),
    })?;
    let subnets: Vec<SubnetId> = port.fixed_ips.iter().map(|fixed| fixed.subnet_id.clone()).collect();
    for subnet in &subnets {
        let Some(found) = db::subnets::get(change.db, subnet)? else { continue };
        if router.routes.iter().any(|route| found.cidr.contains(&route.nexthop)) {
            return Err(faults::interface_in_use_by_route(id, subnet));
        }
        for floating in db::floatingips::of_router(change.db, id)? {
            if floating.association.is_some_and(|to| found.cidr.contains(&to.fixed_ip_address)) {
                return Err(faults::interface_in_use_by_floating_ip(id, subnet));
            }
        }
    }
    remove(change, port.clone())?;
    router.standard.touch(change.now);
    db::routers::put(change.db, &router)?;
    change.affected.routers.insert(id.clone());
    change.affected.networks.insert(port.network_id.clone());
    Ok(Interface { router, port, subnets })
}
