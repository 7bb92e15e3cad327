//! Ports, as their users make and change them.

use kit::ids::{HostId, NetworkId, PortId, ProjectId, SecurityGroupId};
use kit::{Fault, Timestamp};
use serde_json::Value;

use super::allocation::{Asker, Wanted, allocate};
use super::{Change, floatingips, new_id, security_groups};
use crate::db;
use crate::domain::affected::Removal;
use crate::domain::attributes::Body;
use crate::domain::model::{
    DHCP_OWNER, DhcpOpt, FLOATING_OWNER, GATEWAY_OWNER, INTERFACE_OWNER, Network, Port, PortStatus, Standard, Subnet,
};
use crate::domain::{faults, mac};

/// How often a new random MAC address is tried before it is given up.
const MAC_ATTEMPTS: u32 = 16;

/// A port of `network` with nothing special about it, with a MAC address but no addresses yet.
#[must_use]
pub fn blank(network: &Network, project: &ProjectId, now: Timestamp) -> Port {
    let mut standard = Standard::new(String::new(), now);
    standard.revision_number = 1;
    Port {
        id: new_id::<PortId>(),
        network_id: network.id.clone(),
        project_id: project.clone(),
        name: String::new(),
        mac_address: mac::random(),
        admin_state_up: true,
        status: PortStatus::Down,
        device_id: String::new(),
        device_owner: String::new(),
        port_security_enabled: network.port_security_enabled,
        binding_host: None,
        binding_vnic_type: "normal".to_owned(),
        binding_profile: Value::Null,
        device: None,
        bridge: None,
        hostname: String::new(),
        server_id: None,
        made_for_server: false,
        device_index: 0,
        device_tag: None,
        allowed_address_pairs: Vec::new(),
        extra_dhcp_opts: Vec::new(),
        fixed_ips: Vec::new(),
        security_groups: Vec::new(),
        standard,
    }
}

/// Stores `port` and allocates its addresses; it must be new, and its MAC address free or random.
///
/// # Errors
/// As [`allocate`].
pub fn insert(
    change: &mut Change<'_>,
    mut port: Port,
    subnets: &[Subnet],
    wanted: Option<&[Wanted]>,
) -> Result<Port, Fault> {
    let mut attempts = 0;
    while db::ports::mac_exists(change.db, &port.network_id, &port.mac_address)? {
        attempts += 1;
        if attempts > MAC_ATTEMPTS {
            return Err(faults::mac_in_use(&port.network_id, &port.mac_address));
        }
        port.mac_address = mac::random();
    }
    db::ports::put(change.db, &port)?;
    let asker =
        Asker { port: &port.id, network: &port.network_id, mac: &port.mac_address, device_owner: &port.device_owner };
    port.fixed_ips = allocate(change, asker, subnets, wanted, 0)?;
    change.affected.members.extend(port.security_groups.iter().cloned());
    Ok(port)
}

/// Makes a port for `project`.
///
/// # Errors
/// Neutron's errors for what cannot be.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Port, Fault> {
    let network_id = NetworkId::from(body.text("network_id").unwrap_or_default());
    let network = db::networks::get(change.db, &network_id)?.ok_or_else(|| faults::network_not_found(&network_id))?;
    if !(change.may_use(&network.project_id, project) || network.shared || network.external) {
        return Err(faults::network_not_found(&network_id));
    }
    db::quotas::reserve(change.db, project, "port", 1)?;
    let mut port = blank(&network, project, change.now);
    if let Some(mac) = body.text("mac_address") {
        if db::ports::mac_exists(change.db, &network_id, &mac)? {
            return Err(faults::mac_in_use(&network_id, mac));
        }
        port.mac_address = mac;
    }
    port.device_id = body.text("device_id").unwrap_or_default();
    port.device_owner = body.text("device_owner").unwrap_or_default();
    own_device(change, &port)?;
    apply(&mut port, body)?;
    let wanted: Option<Vec<Wanted>> = body.parsed("fixed_ips")?;
    let subnets = db::subnets::of_network(change.db, &network_id)?;
    let has_addresses = wanted.as_ref().map_or(!subnets.is_empty(), |wanted| !wanted.is_empty());
    port.security_groups = groups_of_new(change, &port, has_addresses, body)?;
    check_security(&port, has_addresses)?;
    insert(change, port, &subnets, wanted.as_deref())
}

/// Refuses a port that would become a leg of another project's router.
fn own_device(change: &Change<'_>, port: &Port) -> Result<(), Fault> {
    if change.is_admin || port.device_id.is_empty() {
        return Ok(());
    }
    let router = db::routers::get(change.db, &port.device_id.as_str().into())?;
    match router {
        Some(router) if router.project_id != port.project_id => Err(faults::device_not_owned(&port.device_id)),
        _ => Ok(()),
    }
}

/// What both a new and a changed port take from the body as it is.
fn apply(port: &mut Port, body: &Body) -> Result<(), Fault> {
    let text = |name: &str, old: &mut String| body.text(name).into_iter().for_each(|new| *old = new);
    text("name", &mut port.name);
    text("description", &mut port.standard.description);
    text("binding:vnic_type", &mut port.binding_vnic_type);
    let flag = |name: &str, old: &mut bool| body.flag(name).into_iter().for_each(|new| *old = new);
    flag("admin_state_up", &mut port.admin_state_up);
    flag("port_security_enabled", &mut port.port_security_enabled);
    if body.has("binding:host_id") {
        port.binding_host = body.text("binding:host_id").filter(|host| !host.is_empty()).map(HostId::from);
    }
    if let Some(profile) = body.get("binding:profile") {
        port.binding_profile = profile.clone();
    }
    if body.has("allowed_address_pairs") {
        port.allowed_address_pairs = body.parsed("allowed_address_pairs")?.unwrap_or_default();
    }
    let options: Vec<DhcpOpt> = body.parsed("extra_dhcp_opts")?.unwrap_or_default();
    for option in options {
        port.extra_dhcp_opts.retain(|old| (&old.opt_name, old.ip_version) != (&option.opt_name, option.ip_version));
        if option.opt_value.is_some() {
            port.extra_dhcp_opts.push(option);
        }
    }
    Ok(())
}

/// The groups that were asked for, or the project's `default` where port security is on.
fn groups_of_new(
    change: &mut Change<'_>,
    port: &Port,
    has_addresses: bool,
    body: &Body,
) -> Result<Vec<SecurityGroupId>, Fault> {
    if let Some(asked) = body.parsed::<Vec<SecurityGroupId>>("security_groups")? {
        return checked_groups(change, &port.project_id, asked);
    }
    if !port.port_security_enabled || !has_addresses || port.is_service() {
        return Ok(Vec::new());
    }
    Ok(vec![security_groups::ensure_default(change, &port.project_id)?])
}

/// `asked`, sorted, where all of them exist and `project` may use them.
///
/// # Errors
/// `SecurityGroupNotFound`.
pub fn checked_groups(
    change: &Change<'_>,
    project: &ProjectId,
    mut asked: Vec<SecurityGroupId>,
) -> Result<Vec<SecurityGroupId>, Fault> {
    for id in &asked {
        let found = db::security_groups::get(change.db, id)?;
        if !found.is_some_and(|group| change.may_use(&group.project_id, project)) {
            return Err(faults::security_group_not_found(id));
        }
    }
    asked.sort();
    asked.dedup();
    Ok(asked)
}

/// Groups need port security and an address; address pairs need port security.
fn check_security(port: &Port, has_addresses: bool) -> Result<(), Fault> {
    let can_have_groups = port.port_security_enabled && has_addresses;
    if !port.security_groups.is_empty() && !can_have_groups {
        return Err(faults::port_security_required());
    }
    if !port.allowed_address_pairs.is_empty() && !port.port_security_enabled {
        return Err(faults::address_pair_needs_port_security());
    }
    Ok(())
}

/// Changes a port.
///
/// # Errors
/// Neutron's errors for what cannot be.
pub fn update(change: &mut Change<'_>, id: &PortId, body: &Body) -> Result<Port, Fault> {
    let mut port = db::ports::get(change.db, id)?.ok_or_else(|| faults::port_not_found(id))?;
    change.affected.members.extend(port.security_groups.iter().cloned());
    if let Some(device) = body.text("device_id") {
        port.device_id = device;
    }
    if let Some(owner) = body.text("device_owner") {
        port.device_owner = owner;
    }
    if body.has("device_id") {
        own_device(change, &port)?;
    }
    if let Some(mac) = body.text("mac_address").filter(|mac| *mac != port.mac_address) {
        if db::ports::mac_exists(change.db, &port.network_id, &mac)? {
            return Err(faults::mac_in_use(&port.network_id, mac));
        }
        port.mac_address = mac;
    }
    let old_host = port.binding_host.clone();
    let had_security = port.port_security_enabled;
    apply(&mut port, body)?;
    if let Some(asked) = body.parsed("security_groups")? {
        port.security_groups = checked_groups(change, &port.project_id.clone(), asked)?;
    }
    if let Some(wanted) = body.parsed::<Vec<Wanted>>("fixed_ips")? {
        readdress(change, &mut port, &wanted)?;
    }
    if had_security && !port.port_security_enabled && !port.security_groups.is_empty() {
        return Err(faults::port_has_security_group());
    }
    check_security(&port, !port.fixed_ips.is_empty())?;
    if let Some(host) = old_host.filter(|old| Some(old) != port.binding_host.as_ref()) {
        unwire(change, &mut port, host);
    }
    port.standard.touch(change.now);
    db::ports::put(change.db, &port)?;
    change.affected.members.extend(port.security_groups.iter().cloned());
    change.affected.ports.insert(id.clone());
    if port.device_owner == DHCP_OWNER {
        change.affected.networks.insert(port.network_id.clone());
    }
    Ok(port)
}

/// Notes that `host` does not have the port any more.
pub fn unwire(change: &mut Change<'_>, port: &mut Port, host: HostId) {
    if port.device.take().is_some() {
        change.affected.removed.push((host, Removal::Port(port.id.clone())));
    }
    port.bridge = None;
    port.status = PortStatus::Down;
}

/// Makes the port's addresses those that are `wanted`; what it has already of them it keeps.
fn readdress(change: &mut Change<'_>, port: &mut Port, wanted: &[Wanted]) -> Result<(), Fault> {
    let mut kept = Vec::new();
    let mut missing = Vec::new();
    for one in wanted {
        let same = port.fixed_ips.iter().position(|fixed| {
            one.ip_address.is_none_or(|ip| ip == fixed.ip_address)
                && one.subnet_id.as_ref().is_none_or(|subnet| *subnet == fixed.subnet_id)
        });
        match same {
            Some(index) => kept.push(port.fixed_ips.remove(index)),
            None => missing.push(one.clone()),
        }
    }
    for fixed in &port.fixed_ips {
        db::addresses::give_back(change.db, fixed)?;
    }
    let subnets = db::subnets::of_network(change.db, &port.network_id)?;
    let asker =
        Asker { port: &port.id, network: &port.network_id, mac: &port.mac_address, device_owner: &port.device_owner };
    let first = i64::try_from(kept.len()).unwrap_or_default();
    kept.extend(allocate(change, asker, &subnets, Some(&missing), first)?);
    port.fixed_ips = kept;
    let left: Vec<_> = port.fixed_ips.iter().map(|fixed| fixed.ip_address).collect();
    floatingips::release_port(change, &port.id, &left)
}

/// Takes a port away.
///
/// # Errors
/// `PortNotFound`; `ServicePortInUse` for a router's.
pub fn delete(change: &mut Change<'_>, id: &PortId) -> Result<(), Fault> {
    let port = db::ports::get(change.db, id)?.ok_or_else(|| faults::port_not_found(id))?;
    if [INTERFACE_OWNER, GATEWAY_OWNER, FLOATING_OWNER].contains(&port.device_owner.as_str()) {
        return Err(faults::service_port_in_use(id, &port.device_owner));
    }
    remove(change, port)
}

/// Takes a port away, whatever it is for.
///
/// # Errors
/// The store's.
pub fn remove(change: &mut Change<'_>, mut port: Port) -> Result<(), Fault> {
    if let Some(host) = port.binding_host.clone() {
        unwire(change, &mut port, host.clone());
        if port.device_owner == DHCP_OWNER {
            change.affected.networks.insert(port.network_id.clone());
        }
    }
    floatingips::release_port(change, &port.id, &[])?;
    db::addresses::give_back_all(change.db, &port.id)?;
    change.affected.members.extend(port.security_groups.iter().cloned());
    db::ports::delete(change.db, &port.id)
}
