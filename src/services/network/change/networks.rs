//! Networks.

use http_kit::Condition;
use kit::Fault;
use kit::ids::{NetworkId, ProjectId};
use store::{Connection, params, query};

use super::{Change, new_id, security_groups};
use crate::db::{self, Selection};
use crate::domain::affected::Removal;
use crate::domain::attributes::Body;
use crate::domain::faults;
use crate::domain::model::{DHCP_OWNER, GATEWAY_OWNER, Network, Standard};

/// What VXLAN takes from every packet.
const VXLAN_OVERHEAD: u32 = 50;

/// What a tap takes at most.
const GREATEST_MTU: u32 = 65_521;

/// Makes a network for `project`.
///
/// # Errors
/// `OverQuota`, `InvalidInput` for a segment that cannot be, 409 for one that is taken.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Network, Fault> {
    db::quotas::reserve(change.db, project, "network", 1)?;
    security_groups::ensure_default(change, project)?;
    let kind = body.text("provider:network_type").unwrap_or_else(|| "local".to_owned());
    let segmentation_id = segment(change.db, &kind, body)?;
    let overhead = if kind == "vxlan" { VXLAN_OVERHEAD } else { 0 };
    let mut standard = Standard::new(body.text("description").unwrap_or_default(), change.now);
    standard.revision_number = 1;
    let network = Network {
        id: new_id::<NetworkId>(),
        project_id: project.clone(),
        name: body.text("name").unwrap_or_default(),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        shared: body.flag("shared").unwrap_or(false),
        external: body.flag("router:external").unwrap_or(false),
        is_default: body.flag("is_default").unwrap_or(false),
        mtu: mtu(body)?.unwrap_or_else(|| change.settings.mtu.saturating_sub(overhead)),
        port_security_enabled: body.flag("port_security_enabled").unwrap_or(true),
        dns_domain: body.text("dns_domain").unwrap_or_default(),
        network_type: kind,
        physical_network: body.text("provider:physical_network"),
        segmentation_id,
        host_gateway: false,
        standard,
        subnets: Vec::new(),
    };
    db::networks::put(change.db, &network)?;
    Ok(network)
}

/// The MTU that was asked for.
fn mtu(body: &Body) -> Result<Option<u32>, Fault> {
    match body.integer("mtu").map(u32::try_from) {
        Some(Ok(mtu)) if mtu <= GREATEST_MTU => Ok(Some(mtu)),
        Some(_) => Err(faults::invalid_input(format!("Requested MTU is too big, maximum is {GREATEST_MTU}"))),
        None => Ok(None),
    }
}

/// The segment that was asked for, or the next free one.
fn segment(db: &Connection, kind: &str, body: &Body) -> Result<Option<i64>, Fault> {
    let asked = body.integer("provider:segmentation_id");
    let physical = body.text("provider:physical_network");
    let prohibited = |what: &str| faults::invalid_input(format!("{what} prohibited for {kind} provider network"));
    let greatest = match kind {
        "local" | "flat" if asked.is_some() => return Err(prohibited("provider:segmentation_id")),
        "local" if physical.is_some() => return Err(prohibited("provider:physical_network")),
        "local" | "flat" => return Ok(None),
        "vxlan" if physical.is_some() => {
            return Err(faults::invalid_input("provider:physical_network specified for vxlan network"));
        }
        "vxlan" => (1 << 24) - 1,
        "vlan" => 4094,
        other => return Err(faults::invalid_input(format!("network_type value '{other}' not supported"))),
    };
    let taken =
        "SELECT 1 FROM network_networks WHERE network_type = ?1 AND physical_network IS ?2 AND segmentation_id = ?3";
    match asked {
        Some(id) if id > greatest => {
            Err(faults::invalid_input(format!("segmentation_id out of range (1 through {greatest})")))
        }
        Some(id) if query::exists(db, taken, params![kind, physical, id])? => Err(faults::segment_in_use(kind, id)),
        Some(id) => Ok(Some(id)),
        None => {
            let sql = "SELECT coalesce(max(segmentation_id), 0) + 1 FROM network_networks
                WHERE network_type = ?1 AND physical_network IS ?2";
            Ok(Some(query::one(db, sql, params![kind, physical], |row| row.get(0))?))
        }
    }
}

/// Changes a network.
///
/// # Errors
/// `NetworkNotFound`, `InvalidSharedSetting`, `ExternalNetworkInUse`.
pub fn update(change: &mut Change<'_>, id: &NetworkId, body: &Body) -> Result<Network, Fault> {
    let mut network = db::networks::get(change.db, id)?.ok_or_else(|| faults::network_not_found(id))?;
    if network.shared && body.flag("shared") == Some(false) {
        let sql = "SELECT 1 FROM network_ports WHERE network_id = ?1 AND project_id NOT IN (?2, '')";
        if query::exists(change.db, sql, params![id.as_str(), network.project_id.as_str()])? {
            return Err(faults::invalid_shared_setting(&network.name));
        }
    }
    if network.external && body.flag("router:external") == Some(false) {
        let sql = "SELECT 1 FROM network_ports WHERE network_id = ?1 AND device_owner = ?2";
        if query::exists(change.db, sql, params![id.as_str(), GATEWAY_OWNER])? {
            return Err(faults::external_network_in_use(id));
        }
    }
    let text = |name: &str, old: &mut String| body.text(name).into_iter().for_each(|new| *old = new);
    text("name", &mut network.name);
    text("description", &mut network.standard.description);
    text("dns_domain", &mut network.dns_domain);
    let flag = |name: &str, old: &mut bool| body.flag(name).into_iter().for_each(|new| *old = new);
    flag("admin_state_up", &mut network.admin_state_up);
    flag("shared", &mut network.shared);
    flag("router:external", &mut network.external);
    flag("is_default", &mut network.is_default);
    flag("port_security_enabled", &mut network.port_security_enabled);
    if let Some(mtu) = mtu(body)? {
        network.mtu = mtu;
    }
    network.standard.touch(change.now);
    db::networks::put(change.db, &network)?;
    change.affected.networks.insert(id.clone());
    Ok(network)
}

/// Takes a network away, with its subnets and service ports.
///
/// # Errors
/// `NetworkNotFound`, `NetworkInUse`.
pub fn delete(change: &mut Change<'_>, id: &NetworkId) -> Result<(), Fault> {
    db::networks::get(change.db, id)?.ok_or_else(|| faults::network_not_found(id))?;
    let ports = db::ports::of_network(change.db, id)?;
    let used: Vec<&str> =
        ports.iter().filter(|port| port.device_owner != DHCP_OWNER).map(|port| port.id.as_str()).collect();
    if !used.is_empty() {
        return Err(faults::network_in_use(id, used.join(", ")));
    }
    for port in &ports {
        db::addresses::give_back_all(change.db, &port.id)?;
        db::ports::delete(change.db, &port.id)?;
    }
    // A host may still have the bridge of guests that are gone.
    for agent in db::agents::list(change.db, &Selection::of(Condition::all()))? {
        change.affected.removed.push((agent.host, Removal::Network(id.clone())));
    }
    for subnet in db::subnets::of_network(change.db, id)? {
        db::subnets::delete(change.db, &subnet.id)?;
    }
    db::networks::delete(change.db, id)
}
