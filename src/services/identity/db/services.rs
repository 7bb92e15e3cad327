//! Services of the catalog.

use http_kit::{Condition, Paging};
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, select, to_json};
use crate::domain::catalog::Service;
use crate::error;

const TABLE: Table = Table { name: "identity_services", columns: "id, type, name, enabled, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Service> {
    Ok(Service {
        id: row.get("id")?,
        kind: row.get("type")?,
        name: row.get("name")?,
        enabled: row.get("enabled")?,
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Service>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// A page of [`list`].
pub(crate) fn page(db: &Connection, condition: &Condition, paging: &Paging) -> Result<Vec<Service>, Fault> {
    select(db, &TABLE, condition, Some(paging), map)
}

/// The service `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Service, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("service", id))
}

pub(crate) fn insert(db: &Connection, service: &Service) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_services (id, type, name, enabled, extra) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![service.id, service.kind, service.name, service.enabled, to_json(&service.extra)?],
    )?;
    Ok(())
}

pub(crate) fn update(db: &Connection, service: &Service) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_services SET type = ?2, name = ?3, enabled = ?4, extra = ?5 WHERE id = ?1",
        params![service.id, service.kind, service.name, service.enabled, to_json(&service.extra)?],
    )?;
    Ok(())
}

/// Takes a service away with its endpoints.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_services WHERE id = ?1", [id])? {
        0 => Err(error::not_found("service", id)),
        _ => Ok(()),
    }
}
