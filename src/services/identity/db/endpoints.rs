//! Endpoints of the catalog.

use http_kit::{Condition, Paging};
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, select, to_json};
use crate::domain::catalog::Endpoint;
use crate::error;

const TABLE: Table = Table {
    name: "identity_endpoints",
    columns: "id, service_id, interface, region_id, url, enabled, managed_path, extra",
};

fn map(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    Ok(Endpoint {
        id: row.get("id")?,
        service_id: row.get("service_id")?,
        interface: row.get("interface")?,
        region_id: row.get("region_id")?,
        url: row.get("url")?,
        enabled: row.get("enabled")?,
        managed_path: row.get("managed_path")?,
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Endpoint>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// A page of [`list`].
pub(crate) fn page(db: &Connection, condition: &Condition, paging: &Paging) -> Result<Vec<Endpoint>, Fault> {
    select(db, &TABLE, condition, Some(paging), map)
}

/// The endpoint `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Endpoint, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("endpoint", id))
}

/// What an endpoint names must be there.
fn check(db: &Connection, endpoint: &Endpoint) -> Result<(), Fault> {
    if let Some(region) = &endpoint.region_id
        && super::regions::list(db, &Condition::is("id", region.as_str()))?.is_empty()
    {
        return Err(error::missing("endpoint region_id", "region table"));
    }
    if super::services::list(db, &Condition::is("id", endpoint.service_id.as_str()))?.is_empty() {
        return Err(error::missing("endpoint service_id", "service table"));
    }
    Ok(())
}

pub(crate) fn insert(db: &Connection, endpoint: &Endpoint) -> Result<(), Fault> {
    check(db, endpoint)?;
    query::execute(
        db,
        "INSERT INTO identity_endpoints (id, service_id, interface, region_id, url, enabled, managed_path, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            endpoint.id,
            endpoint.service_id,
            endpoint.interface,
            endpoint.region_id,
            endpoint.url,
            endpoint.enabled,
            endpoint.managed_path,
            to_json(&endpoint.extra)?,
        ],
    )?;
    Ok(())
}

pub(crate) fn update(db: &Connection, endpoint: &Endpoint) -> Result<(), Fault> {
    check(db, endpoint)?;
    query::execute(
        db,
        "UPDATE identity_endpoints
         SET service_id = ?2, interface = ?3, region_id = ?4, url = ?5, enabled = ?6, managed_path = ?7, extra = ?8
         WHERE id = ?1",
        params![
            endpoint.id,
            endpoint.service_id,
            endpoint.interface,
            endpoint.region_id,
            endpoint.url,
            endpoint.enabled,
            endpoint.managed_path,
            to_json(&endpoint.extra)?,
        ],
    )?;
    Ok(())
}

/// Has all endpoints that cloudbox keeps up to date begin with `public_url`.
pub(crate) fn follow(db: &Connection, public_url: &str) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_endpoints SET url = ?1 || managed_path
         WHERE managed_path IS NOT NULL AND url <> ?1 || managed_path",
        [public_url],
    )?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_endpoints WHERE id = ?1", [id])? {
        0 => Err(error::not_found("endpoint", id)),
        _ => Ok(()),
    }
}
