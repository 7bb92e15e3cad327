//! The ports of servers, as compute asks for them over the bus: validated before a server exists, made or taken over when
//! it gets a host, bound there, given back when it goes.

use bus::topics::compute_types::{RequestedNetwork, SecurityGroupRef};
use bus::topics::network::{AllocateForInstance, BindPort, NetworkRequest, ValidateNetworks, ValidatedNetworks};
use bus::topics::network_spec::PortWiring;
use http_kit::{Condition, SqlValue};
use kit::ids::{NetworkId, PortId, ProjectId, SecurityGroupId, ServerId};
use kit::{Fault, FaultKind};

use super::allocation::Wanted;
use super::ports::{blank, checked_groups, insert, remove, unwire};
use super::{Change, security_groups, service_ports};
use crate::db::{self, Selection};
use crate::domain::affected::Removal;
use crate::domain::faults;
use crate::domain::model::{COMPUTE_OWNER, Network, Port, PortStatus};

/// See [`ValidateNetworks`].
///
/// # Errors
/// 400 for what does not exist, 409 for an ambiguous network or a port in use, `OverQuota`.
pub fn validate(change: &mut Change<'_>, asked: ValidateNetworks) -> Result<ValidatedNetworks, Fault> {
    let project = asked.project_id;
    let requested = match asked.requested {
        NetworkRequest::None => Vec::new(),
        NetworkRequest::These(these) => these,
        NetworkRequest::Auto => the_only_network(change, &project)?,
    };
    let mut networks = Vec::new();
    for one in requested {
        networks.push(validate_one(change, &project, one)?);
    }
    let new = networks.iter().filter(|network| network.port_id.is_none()).count();
    let ports = i64::try_from(new).unwrap_or(i64::MAX).saturating_mul(i64::from(asked.servers));
    if ports > 0 {
        db::quotas::reserve(change.db, &project, "port", ports).map_err(|fault| match fault.kind() {
            FaultKind::OverQuota => {
                Fault::over_quota("Maximum number of ports exceeded").with_code("PortLimitExceeded")
            }
            _ => fault,
        })?;
    }
    let security_groups = named_groups(change, &project, &asked.security_groups)?;
    Ok(ValidatedNetworks { networks, security_groups })
}

/// The one network that a project can use without naming it: one with subnets, its own or shared, none of the
/// external ones.
fn the_only_network(change: &Change<'_>, project: &ProjectId) -> Result<Vec<RequestedNetwork>, Fault> {
    let usable = Condition::new(
        "t.external = 0 AND EXISTS (SELECT 1 FROM network_subnets s WHERE s.network_id = t.id)
         AND (t.project_id = ? OR t.shared = 1)",
        [SqlValue::from(project.as_str())],
    );
    let mut networks = db::networks::list(change.db, &Selection::of(usable))?;
    // Deliberately not as in Nova, which calls one's own network beside a shared one ambiguous: the `default` network is
    // shared with everybody, and a project that made itself one of its own means that.
    if networks.iter().any(|network| network.project_id == *project) {
        networks.retain(|network| network.project_id == *project);
    }
    match networks.as_slice() {
        [] => Ok(Vec::new()),
        [one] => Ok(vec![RequestedNetwork { network_id: Some(one.id.clone()), ..RequestedNetwork::default() }]),
        _ => Err(Fault::conflict("Multiple possible networks found, use a Network ID to be more specific.")
            .with_code("NetworkAmbiguous")),
    }
}

fn validate_one(change: &Change<'_>, project: &ProjectId, asked: RequestedNetwork) -> Result<RequestedNetwork, Fault> {
    if let Some(id) = &asked.port_id {
        let found = db::ports::get(change.db, id)?.filter(|port| change.may_use(&port.project_id, project));
        let port = found.ok_or_else(|| bad(format!("Port id {id} could not be found.")))?;
        if !port.device_id.is_empty() {
            return Err(Fault::conflict(format!("Port {id} is still in use.")).with_code("PortInUse"));
        }
        if port.fixed_ips.is_empty() && !db::subnets::of_network(change.db, &port.network_id)?.is_empty() {
            return Err(bad(format!("Port {id} requires a FixedIP in order to be used.")));
        }
        return Ok(RequestedNetwork { network_id: Some(port.network_id), ..asked });
    }
    let id = asked.network_id.clone().unwrap_or_else(|| NetworkId::new(""));
    let network = usable_network(change, project, &id)?;
    let subnets = db::subnets::of_network(change.db, &id)?;
    if network.external && !change.is_admin && !network.shared {
        return Err(Fault::forbidden(format!("It is not allowed to create an interface on external network {id}"))
            .with_code("ExternalNetworkAttachForbidden"));
    }
    if subnets.is_empty() {
        return Err(bad(format!("Network {id} requires a subnet in order to boot instances on.")));
    }
    if let Some(ip) = asked.fixed_ip {
        let subnet = subnets.iter().find(|subnet| subnet.cidr.contains(&ip));
        let subnet = subnet.ok_or_else(|| bad(format!("Fixed IP {ip} is not a valid ip address for network {id}.")))?;
        if db::addresses::holder(change.db, &subnet.id, ip)?.is_some() {
            return Err(bad(format!("Fixed IP address {ip} is already in use on instance.")));
        }
    }
    Ok(asked)
}

fn bad(text: String) -> Fault {
    Fault::bad_request(text)
}

fn usable_network(change: &Change<'_>, project: &ProjectId, id: &NetworkId) -> Result<Network, Fault> {
    let found = db::networks::get(change.db, id)?;
    let usable = |network: &Network| change.may_use(&network.project_id, project) || network.shared || network.external;
    found.filter(usable).ok_or_else(|| bad(format!("Network {id} could not be found.")))
}

/// The groups that `names` name or spell; the project's `default` when there are none.
fn named_groups(
    change: &mut Change<'_>,
    project: &ProjectId,
    names: &[String],
) -> Result<Vec<SecurityGroupRef>, Fault> {
    let default = security_groups::ensure_default(change, project)?;
    if names.is_empty() {
        return Ok(vec![SecurityGroupRef { id: default, name: "default".to_owned() }]);
    }
    let mut found: Vec<SecurityGroupRef> = Vec::new();
    for name in names {
        let own = Condition::is("t.project_id", project.as_str());
        let by_id = Selection::of(own.clone().and(Condition::is("t.id", name.as_str())));
        let by_name = Selection::of(own.and(Condition::is("t.name", name.as_str())));
        let mut groups = db::security_groups::list(change.db, &by_id)?;
        if groups.is_empty() {
            groups = db::security_groups::list(change.db, &by_name)?;
        }
        let group = match groups.len() {
            0 => {
                return Err(bad(format!("Security group {name} not found for project {project}."))
                    .with_code("SecurityGroupNotFound"));
            }
            1 => groups.pop(),
            _ => {
                let text = format!("Multiple security groups found matching '{name}'. Use an ID to be more specific.");
                return Err(Fault::conflict(text).with_code("NoUniqueMatch"));
            }
        };
        found.extend(group.map(|group| SecurityGroupRef { id: group.id, name: group.name }));
    }
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

/// See [`AllocateForInstance`]: the server's ports, in the order in which they were asked for.
///
/// # Errors
/// As for ports in general; 400 for what does not exist.
pub fn allocate(change: &mut Change<'_>, asked: &AllocateForInstance) -> Result<Vec<Port>, Fault> {
    let mut existing = db::ports::of_server(change.db, &asked.server_id)?;
    let mut ports = Vec::new();
    for (index, network) in (0_i64..).zip(&asked.networks) {
        // Asked again, the interface with this place is there already.
        if let Some(at) = existing.iter().position(|port| port.device_index == index) {
            ports.push(existing.swap_remove(at));
            continue;
        }
        let mut port = match &network.port_id {
            Some(id) => take_over(change, asked, id)?,
            None => make(change, asked, network)?,
        };
        port.device_index = index;
        port.device_tag = network.tag.clone();
        db::ports::put(change.db, &port)?;
        change.affected.members.extend(port.security_groups.iter().cloned());
        ports.push(port);
    }
    Ok(ports)
}

fn take_over(change: &Change<'_>, asked: &AllocateForInstance, id: &PortId) -> Result<Port, Fault> {
    let found = db::ports::get(change.db, id)?.filter(|port| change.may_use(&port.project_id, &asked.project_id));
    let mut port = found.ok_or_else(|| bad(format!("Port id {id} could not be found.")))?;
    if !port.device_id.is_empty() || port.server_id.is_some() {
        return Err(Fault::conflict(format!("Port {id} is still in use.")).with_code("PortInUse"));
    }
    belongs(&mut port, asked);
    port.standard.touch(change.now);
    Ok(port)
}

/// Makes `port` one of the server's.
fn belongs(port: &mut Port, asked: &AllocateForInstance) {
    port.server_id = Some(asked.server_id.clone());
    port.device_id = asked.server_id.to_string();
    port.device_owner = format!("{COMPUTE_OWNER}{}", asked.availability_zone);
    port.hostname.clone_from(&asked.hostname);
}

fn make(change: &mut Change<'_>, asked: &AllocateForInstance, wanted: &RequestedNetwork) -> Result<Port, Fault> {
    let id = wanted.network_id.clone().unwrap_or_else(|| NetworkId::new(""));
    let network = usable_network(change, &asked.project_id, &id)?;
    db::quotas::reserve(change.db, &asked.project_id, "port", 1)?;
    let mut port = blank(&network, &asked.project_id, change.now);
    belongs(&mut port, asked);
    port.made_for_server = true;
    if port.port_security_enabled {
        let groups: Vec<SecurityGroupId> = asked.security_groups.iter().map(|group| group.id.clone()).collect();
        port.security_groups = if groups.is_empty() {
            vec![security_groups::ensure_default(change, &asked.project_id)?]
        } else {
            checked_groups(change, &asked.project_id, groups)?
        };
    }
    let address = wanted.fixed_ip.map(|ip| vec![Wanted { subnet_id: None, ip_address: Some(ip) }]);
    let subnets = db::subnets::of_network(change.db, &id)?;
    insert(change, port, &subnets, address.as_deref())
}

/// The first half of [`BindPort`]: the port is bound to its host, which has a DHCP port on the network by then.
///
/// # Errors
/// `PortNotFound`; 409 where it is another server's.
pub fn bind(change: &mut Change<'_>, asked: &BindPort) -> Result<(), Fault> {
    let mut port = owned(change, &asked.port_id, &asked.server_id)?;
    let network = db::networks::get(change.db, &port.network_id)?;
    let network = network.ok_or_else(|| faults::network_not_found(&port.network_id))?;
    if let Some(old) = port.binding_host.clone().filter(|old| *old != asked.host) {
        unwire(change, &mut port, old);
    }
    if port.binding_host.as_ref() != Some(&asked.host) {
        port.binding_host = Some(asked.host.clone());
        port.standard.touch(change.now);
        db::ports::put(change.db, &port)?;
    }
    service_ports::ensure(change, &network, &asked.host)
}

fn owned(change: &Change<'_>, id: &PortId, server: &ServerId) -> Result<Port, Fault> {
    let port = db::ports::get(change.db, id)?.ok_or_else(|| faults::port_not_found(id))?;
    if port.server_id.as_ref() == Some(server) {
        Ok(port)
    } else {
        Err(faults::port_in_use(id, &port.network_id, &port.device_id))
    }
}

/// The second half: the agent has wired it.
///
/// # Errors
/// `PortNotFound`; 409 where it was bound elsewhere meanwhile.
pub fn wired(change: &mut Change<'_>, asked: &BindPort, wiring: &PortWiring) -> Result<Port, Fault> {
    let mut port = owned(change, &asked.port_id, &asked.server_id)?;
    if port.binding_host.as_ref() != Some(&asked.host) {
        return Err(Fault::conflict(format!("Port {} was bound to another host.", port.id)));
    }
    port.device = Some(wiring.device.clone());
    port.bridge = Some(wiring.bridge.clone());
    port.status = PortStatus::Active;
    port.standard.touch(change.now);
    db::ports::put(change.db, &port)?;
    Ok(port)
}

/// See [`bus::topics::network::DeallocateForInstance`].
///
/// # Errors
/// The store's.
pub fn deallocate(change: &mut Change<'_>, server: &ServerId) -> Result<(), Fault> {
    for mut port in db::ports::of_server(change.db, server)? {
        if port.made_for_server {
            remove_anyway(change, port)?;
            continue;
        }
        if let Some(host) = port.binding_host.take() {
            tell_gone(change, &port, &host);
        }
        port.device = None;
        port.bridge = None;
        port.status = PortStatus::Down;
        port.server_id = None;
        port.device_id.clear();
        port.device_owner.clear();
        port.hostname.clear();
        port.device_index = 0;
        port.device_tag = None;
        port.standard.touch(change.now);
        db::ports::put(change.db, &port)?;
        change.affected.members.extend(port.security_groups);
    }
    Ok(())
}

/// A port may be wired although we have not heard of it yet: its host is told in any case.
fn tell_gone(change: &mut Change<'_>, port: &Port, host: &kit::ids::HostId) {
    change.affected.removed.push((host.clone(), Removal::Port(port.id.clone())));
}

fn remove_anyway(change: &mut Change<'_>, mut port: Port) -> Result<(), Fault> {
    if let Some(host) = port.binding_host.take() {
        tell_gone(change, &port, &host);
    }
    remove(change, port)
}
