//! Routers.

use bus::topics::network_spec::FixedIp;
use kit::Fault;
use kit::ids::{HostId, RouterId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, params, query, rusqlite};

use super::{Selection, gather, id, json, json_ids, standard, to_json};
use crate::db::addresses::fixed_ip;
use crate::domain::model::{Gateway, Router};

const SELECT: &str = "SELECT t.*, g.network_id AS gateway_network_id FROM network_routers t
    LEFT JOIN network_ports g ON g.id = t.gateway_port_id";

fn map(row: &Row<'_>) -> rusqlite::Result<Router> {
    let port: Option<String> = row.get("gateway_port_id")?;
    let network: Option<String> = row.get("gateway_network_id")?;
    let gateway = port.zip(network).map(|(port, network)| Gateway {
        port_id: port.into(),
        network_id: network.into(),
        fixed_ips: Vec::new(),
    });
    Ok(Router {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        admin_state_up: row.get("admin_state_up")?,
        gateway,
        enable_snat: row.get("enable_snat")?,
        routes: json(row, "routes")?,
        host: Some(row.get::<_, String>("host")?).filter(|host| !host.is_empty()).map(HostId::from),
        standard: standard(row)?,
    })
}

/// The routers of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Router>, Fault> {
    let routers = super::list(db, SELECT, selection, map)?;
    complete(db, routers)
}

fn complete(db: &Connection, mut routers: Vec<Router>) -> Result<Vec<Router>, Fault> {
    let gateways = routers.iter().filter_map(|router| router.gateway.as_ref());
    let ports = json_ids(gateways.map(|gateway| gateway.port_id.as_str()));
    let mut addresses = gather::<FixedIp>(
        db,
        "SELECT a.port_id, a.subnet_id, a.ip_address FROM json_each(?1) o JOIN network_addresses a ON a.port_id = o.value
         ORDER BY a.port_id, a.position",
        &ports,
        fixed_ip,
    )?;
    for gateway in routers.iter_mut().filter_map(|router| router.gateway.as_mut()) {
        gateway.fixed_ips = addresses.remove(gateway.port_id.as_str()).unwrap_or_default();
    }
    Ok(routers)
}

fn by(db: &Connection, condition: &str, params: impl store::rusqlite::Params) -> Result<Vec<Router>, Fault> {
    let routers = query::all(db, &format!("{SELECT} WHERE {condition} ORDER BY t.id"), params, map)?;
    complete(db, routers)
}

/// The router `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &RouterId) -> Result<Option<Router>, Fault> {
    Ok(by(db, "t.id = ?1", [id.as_str()])?.pop())
}

/// The routers that a host carries.
///
/// # Errors
/// The store's.
pub fn of_host(db: &Connection, host: &HostId) -> Result<Vec<Router>, Fault> {
    by(db, "t.host = ?1", [host.as_str()])
}

/// Stores a new router, or all of a changed one.
///
/// # Errors
/// The store's.
pub fn put(db: &Connection, router: &Router) -> Result<(), Fault> {
    let sql = "INSERT INTO network_routers
        (id, project_id, name, description, admin_state_up, gateway_port_id, enable_snat, routes, host, tags,
         revision_number, created_at, updated_at)
        VALUES (:id, :project_id, :name, :description, :admin_state_up, :gateway_port_id, :enable_snat, :routes, :host,
         :tags, :revision_number, :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
         admin_state_up = excluded.admin_state_up, gateway_port_id = excluded.gateway_port_id,
         enable_snat = excluded.enable_snat, routes = excluded.routes, host = excluded.host, tags = excluded.tags,
         revision_number = excluded.revision_number, updated_at = excluded.updated_at";
    let standard = &router.standard;
    query::execute(
        db,
        sql,
        named_params! {
            ":id": router.id.as_str(), ":project_id": router.project_id.as_str(), ":name": router.name,
            ":description": standard.description, ":admin_state_up": router.admin_state_up,
            ":gateway_port_id": router.gateway.as_ref().map(|gateway| gateway.port_id.as_str()),
            ":enable_snat": router.enable_snat, ":routes": to_json(&router.routes)?,
            ":host": router.host.as_ref().map_or("", |host| host.as_str()), ":tags": to_json(&standard.tags)?,
            ":revision_number": standard.revision_number, ":created_at": to_micros(standard.created_at),
            ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    Ok(())
}

/// Gives the routers that no host carries to `host`; answers how many.
///
/// # Errors
/// The store's.
pub fn adopt(db: &Connection, host: &HostId) -> Result<usize, Fault> {
    let sql = "UPDATE network_routers SET host = ?1 WHERE host = ''";
    Ok(query::execute(db, sql, params![host.as_str()])?)
}

/// Takes the router `id` away.
///
/// # Errors
/// The store's.
pub fn delete(db: &Connection, id: &RouterId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_routers WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
