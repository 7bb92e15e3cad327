//! Floating IPs.

use kit::Fault;
use kit::ids::{NetworkId, PortId, RouterId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, params, query, rusqlite};

use super::{Selection, id, parsed, parsed_or_null, standard, to_json};
use crate::domain::model::{Association, FloatingIp};

const SELECT: &str = "SELECT t.* FROM network_floatingips t";

fn map(row: &Row<'_>) -> rusqlite::Result<FloatingIp> {
    let port: Option<String> = row.get("port_id")?;
    let router: Option<String> = row.get("router_id")?;
    let fixed = parsed_or_null(row, "fixed_ip_address")?;
    let association = port.zip(router).zip(fixed).map(|((port, router), fixed_ip_address)| Association {
        port_id: port.into(),
        fixed_ip_address,
        router_id: router.into(),
    });
    Ok(FloatingIp {
        id: row.get("id")?,
        project_id: id(row, "project_id")?,
        floating_network_id: id(row, "floating_network_id")?,
        floating_ip_address: parsed(row, "floating_ip_address")?,
        floating_port_id: id(row, "floating_port_id")?,
        association,
        standard: standard(row)?,
    })
}

/// The floating IPs of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<FloatingIp>, Fault> {
    Ok(super::list(db, SELECT, selection, map)?)
}

/// The floating IP `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &str) -> Result<Option<FloatingIp>, Fault> {
    Ok(query::opt(db, "SELECT * FROM network_floatingips WHERE id = ?1", [id], map)?)
}

/// Those that go through a router.
///
/// # Errors
/// The store's.
pub fn of_router(db: &Connection, router: &RouterId) -> Result<Vec<FloatingIp>, Fault> {
    let sql = "SELECT * FROM network_floatingips WHERE router_id = ?1 ORDER BY id";
    Ok(query::all(db, sql, [router.as_str()], map)?)
}

/// Those that lead to a port.
///
/// # Errors
/// The store's.
pub fn of_port(db: &Connection, port: &PortId) -> Result<Vec<FloatingIp>, Fault> {
    Ok(query::all(db, "SELECT * FROM network_floatingips WHERE port_id = ?1 ORDER BY id", [port.as_str()], map)?)
}

/// The router that has a leg on the port's network with an address of `subnet`, and its gateway in `external`.
///
/// # Errors
/// The store's.
pub fn router_between(db: &Connection, subnet: &str, external: &NetworkId) -> Result<Option<RouterId>, Fault> {
    let sql = "SELECT r.id FROM network_addresses a JOIN network_ports leg ON leg.id = a.port_id
        JOIN network_routers r ON r.id = leg.device_id JOIN network_ports g ON g.id = r.gateway_port_id
        WHERE a.subnet_id = ?1 AND leg.device_owner = 'network:router_interface' AND g.network_id = ?2 LIMIT 1";
    let found = query::opt(db, sql, params![subnet, external.as_str()], |row| row.get::<_, String>(0))?;
    Ok(found.map(RouterId::from))
}

/// Stores a new floating IP, or all of a changed one.
///
/// # Errors
/// The store's.
pub fn put(db: &Connection, floating: &FloatingIp) -> Result<(), Fault> {
    let sql = "INSERT INTO network_floatingips
        (id, project_id, description, floating_network_id, floating_ip_address, floating_port_id, port_id,
         fixed_ip_address, router_id, tags, revision_number, created_at, updated_at)
        VALUES (:id, :project_id, :description, :floating_network_id, :floating_ip_address, :floating_port_id, :port_id,
         :fixed_ip_address, :router_id, :tags, :revision_number, :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET description = excluded.description, port_id = excluded.port_id,
         fixed_ip_address = excluded.fixed_ip_address, router_id = excluded.router_id, tags = excluded.tags,
         revision_number = excluded.revision_number, updated_at = excluded.updated_at";
    let (standard, association) = (&floating.standard, floating.association.as_ref());
    query::execute(
        db,
        sql,
        named_params! {
            ":id": floating.id, ":project_id": floating.project_id.as_str(), ":description": standard.description,
            ":floating_network_id": floating.floating_network_id.as_str(),
            ":floating_ip_address": floating.floating_ip_address.to_string(),
            ":floating_port_id": floating.floating_port_id.as_str(),
            ":port_id": association.map(|to| to.port_id.as_str()),
            ":fixed_ip_address": association.map(|to| to.fixed_ip_address.to_string()),
            ":router_id": association.map(|to| to.router_id.as_str()), ":tags": to_json(&standard.tags)?,
            ":revision_number": standard.revision_number, ":created_at": to_micros(standard.created_at),
            ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    Ok(())
}

/// Takes the floating IP `id` away.
///
/// # Errors
/// The store's.
pub fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_floatingips WHERE id = ?1", [id])?;
    Ok(())
}
