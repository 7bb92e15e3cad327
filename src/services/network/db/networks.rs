//! Networks.

use kit::Fault;
use kit::ids::{NetworkId, SubnetId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, query, rusqlite};

use super::{Selection, gather, id, json_ids, standard, to_json};
use crate::domain::model::Network;

const SELECT: &str = "SELECT t.* FROM network_networks t";

fn map(row: &Row<'_>) -> rusqlite::Result<Network> {
    Ok(Network {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        admin_state_up: row.get("admin_state_up")?,
        shared: row.get("shared")?,
        external: row.get("external")?,
        is_default: row.get("is_default")?,
        mtu: row.get("mtu")?,
        port_security_enabled: row.get("port_security_enabled")?,
        dns_domain: row.get("dns_domain")?,
        network_type: row.get("network_type")?,
        physical_network: row.get("physical_network")?,
        segmentation_id: row.get("segmentation_id")?,
        host_gateway: row.get("host_gateway")?,
        standard: standard(row)?,
        subnets: Vec::new(),
    })
}

/// The ids of networks, ports and routers.
pub fn ids_with_devices(db: &Connection) -> Result<Vec<String>, store::Error> {
    const SQL: &str = "SELECT id FROM network_networks UNION ALL SELECT id FROM network_ports \
                       UNION ALL SELECT id FROM network_routers";
    query::all(db, SQL, [], |row| row.get(0))
}

/// The networks of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Network>, Fault> {
    let mut networks = super::list(db, SELECT, selection, map)?;
    let mut subnets = gather(
        db,
        "SELECT s.network_id, s.id FROM json_each(?1) o JOIN network_subnets s ON s.network_id = o.value
         ORDER BY s.network_id, s.created_at, s.id",
        &json_ids(networks.iter().map(|network| network.id.as_str())),
        |row| row.get::<_, String>(1).map(SubnetId::from),
    )?;
    for network in &mut networks {
        network.subnets = subnets.remove(network.id.as_str()).unwrap_or_default();
    }
    Ok(networks)
}

/// The network `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &NetworkId) -> Result<Option<Network>, Fault> {
    let Some(mut network) = query::opt(db, "SELECT * FROM network_networks WHERE id = ?1", [id.as_str()], map)? else {
        return Ok(None);
    };
    let sql = "SELECT id FROM network_subnets WHERE network_id = ?1 ORDER BY created_at, id";
    network.subnets = query::all(db, sql, [id.as_str()], |row| row.get::<_, String>(0).map(SubnetId::from))?;
    Ok(Some(network))
}

/// Stores a new network, or all of a changed one.
///
/// # Errors
/// The store's; a unique rule on the segment.
pub fn put(db: &Connection, network: &Network) -> Result<(), Fault> {
    let sql = "INSERT INTO network_networks
        (id, project_id, name, description, admin_state_up, shared, external, is_default, mtu, port_security_enabled,
         dns_domain, network_type, physical_network, segmentation_id, host_gateway, tags, revision_number, created_at,
         updated_at)
        VALUES (:id, :project_id, :name, :description, :admin_state_up, :shared, :external, :is_default, :mtu,
         :port_security_enabled, :dns_domain, :network_type, :physical_network, :segmentation_id, :host_gateway, :tags,
         :revision_number, :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
         admin_state_up = excluded.admin_state_up, shared = excluded.shared, external = excluded.external,
         is_default = excluded.is_default, mtu = excluded.mtu, port_security_enabled = excluded.port_security_enabled,
         dns_domain = excluded.dns_domain, host_gateway = excluded.host_gateway, tags = excluded.tags,
         revision_number = excluded.revision_number, updated_at = excluded.updated_at";
    let standard = &network.standard;
    query::execute(
        db,
        sql,
        named_params! {
            ":id": network.id.as_str(), ":project_id": network.project_id.as_str(), ":name": network.name,
            ":description": standard.description, ":admin_state_up": network.admin_state_up,
            ":shared": network.shared, ":external": network.external, ":is_default": network.is_default,
            ":mtu": network.mtu, ":port_security_enabled": network.port_security_enabled,
            ":dns_domain": network.dns_domain, ":network_type": network.network_type,
            ":physical_network": network.physical_network, ":segmentation_id": network.segmentation_id,
            ":host_gateway": network.host_gateway, ":tags": to_json(&standard.tags)?,
            ":revision_number": standard.revision_number, ":created_at": to_micros(standard.created_at),
            ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    Ok(())
}

/// Takes the network `id` away.
///
/// # Errors
/// The store's; a foreign key where something is still on it.
pub fn delete(db: &Connection, id: &NetworkId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_networks WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
