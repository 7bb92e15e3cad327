//! Floating IPs: an address of an external network, and where it leads.

use std::net::IpAddr;

use kit::Fault;
use kit::ids::{NetworkId, PortId, ProjectId};

use super::allocation::Wanted;
use super::ports::{blank, insert, remove};
use super::{Change, new_id};
use crate::db;
use crate::domain::attributes::Body;
use crate::domain::faults;
use crate::domain::model::{Association, FLOATING_OWNER, FloatingIp, PortStatus, Standard};

/// Takes an address of an external network for `project`, and leads it to a port where one is named.
///
/// # Errors
/// `BadRequest` for a network that is not external, `OverQuota`, `IpAddressGenerationFailure`, and what an association can
/// be refused for.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<FloatingIp, Fault> {
    let network_id = NetworkId::from(body.text("floating_network_id").unwrap_or_default());
    let network = db::networks::get(change.db, &network_id)?.ok_or_else(|| faults::network_not_found(&network_id))?;
    if !network.external {
        return Err(faults::bad("floatingip", format!("Network {network_id} is not a valid external network")));
    }
    db::quotas::reserve(change.db, project, "floatingip", 1)?;
    let id: String = new_id();
    let mut port = blank(&network, &ProjectId::new(""), change.now);
    port.device_owner = FLOATING_OWNER.to_owned();
    port.device_id.clone_from(&id);
    port.status = PortStatus::NotApplicable;
    port.port_security_enabled = false;
    let asked = Wanted { subnet_id: body.parsed("subnet_id")?, ip_address: body.parsed("floating_ip_address")? };
    let wanted = (asked != Wanted::default()).then_some([asked]);
    // Only IPv4 addresses float.
    let mut subnets = db::subnets::of_network(change.db, &network_id)?;
    subnets.retain(|subnet| !subnet.is_v6());
    let port = insert(change, port, &subnets, wanted.as_ref().map(|wanted| wanted.as_slice()))?;
    let Some(address) = port.fixed_ips.first() else { return Err(faults::no_more_addresses(&network_id)) };
    let mut standard = Standard::new(body.text("description").unwrap_or_default(), change.now);
    standard.revision_number = 1;
    let mut floating = FloatingIp {
        id,
        project_id: project.clone(),
        floating_network_id: network_id,
        floating_ip_address: address.ip_address,
        floating_port_id: port.id,
        association: None,
        standard,
    };
    associate(change, &mut floating, body)?;
    db::floatingips::put(change.db, &floating)?;
    Ok(floating)
}

/// Changes where a floating IP leads, or its description.
///
/// # Errors
/// `FloatingIPNotFound`, and what an association can be refused for.
pub fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<FloatingIp, Fault> {
    let mut floating = db::floatingips::get(change.db, id)?.ok_or_else(|| faults::floating_ip_not_found(id))?;
    if let Some(description) = body.text("description") {
        floating.standard.description = description;
    }
    if body.has("port_id") || body.has("fixed_ip_address") {
        release(change, &mut floating);
        associate(change, &mut floating, body)?;
    }
    floating.standard.touch(change.now);
    db::floatingips::put(change.db, &floating)?;
    Ok(floating)
}

/// Leads `floating` nowhere; its router must hear of it.
fn release(change: &mut Change<'_>, floating: &mut FloatingIp) {
    if let Some(old) = floating.association.take() {
        change.affected.routers.insert(old.router_id);
    }
}

/// Leads `floating` to the port that the body names, if it names one.
fn associate(change: &mut Change<'_>, floating: &mut FloatingIp, body: &Body) -> Result<(), Fault> {
    let asked: Option<IpAddr> = body.parsed("fixed_ip_address")?;
    let Some(id) = body.text("port_id").map(PortId::from) else {
        if asked.is_some() {
            return Err(faults::bad("floatingip", "fixed_ip_address cannot be specified without a port_id"));
        }
        return Ok(());
    };
    let found = db::ports::get(change.db, &id)?.filter(|port| change.may_use(&port.project_id, &floating.project_id));
    let port = found.ok_or_else(|| faults::port_not_found(&id))?;
    let fits = |ip: IpAddr| asked.map_or(ip.is_ipv4(), |asked| asked == ip);
    let fixed = port.fixed_ips.iter().find(|fixed| fits(fixed.ip_address));
    let fixed = fixed.ok_or_else(|| {
        let text = match asked {
            Some(ip) => format!("Port {id} does not have fixed ip {ip}"),
            None => format!("Cannot add floating IP to port {id} that has no fixed IPv4 addresses"),
        };
        faults::bad("floatingip", text)
    })?;
    for other in db::floatingips::of_port(change.db, &id)? {
        let same = other.association.as_ref().is_some_and(|to| to.fixed_ip_address == fixed.ip_address);
        if same && other.id != floating.id && other.floating_network_id == floating.floating_network_id {
            let (ip, network) = (floating.floating_ip_address, &floating.floating_network_id);
            return Err(faults::floating_port_taken(ip, &floating.id, &id, fixed.ip_address, network));
        }
    }
    let network = &floating.floating_network_id;
    let router = db::floatingips::router_between(change.db, fixed.subnet_id.as_str(), network)?;
    let router_id = router.ok_or_else(|| faults::not_reachable(network, &fixed.subnet_id, &id))?;
    change.affected.routers.insert(router_id.clone());
    floating.association = Some(Association { port_id: id, fixed_ip_address: fixed.ip_address, router_id });
    Ok(())
}

/// Gives a floating IP back.
///
/// # Errors
/// `FloatingIPNotFound`.
pub fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
    let mut floating = db::floatingips::get(change.db, id)?.ok_or_else(|| faults::floating_ip_not_found(id))?;
    release(change, &mut floating);
    db::floatingips::delete(change.db, id)?;
    match db::ports::get(change.db, &floating.floating_port_id)? {
        Some(port) => remove(change, port),
        None => Ok(()),
    }
}

/// Leads nowhere what led to `port`, or to addresses that it does not have any more.
///
/// # Errors
/// The store's.
pub fn release_port(change: &mut Change<'_>, port: &PortId, kept: &[IpAddr]) -> Result<(), Fault> {
    for mut floating in db::floatingips::of_port(change.db, port)? {
        if floating.association.as_ref().is_some_and(|to| kept.contains(&to.fixed_ip_address)) {
            continue;
        }
        release(change, &mut floating);
        floating.standard.touch(change.now);
        db::floatingips::put(change.db, &floating)?;
    }
    Ok(())
}
