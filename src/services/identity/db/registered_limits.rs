//! Registered limits.

use http_kit::{Condition, Paging};
use kit::Fault;
use store::{Connection, Row, query, rusqlite};

use super::{Table, on_unique, regions, select, services};
use crate::domain::limit::RegisteredLimit;
use crate::error;

const TABLE: Table = Table {
    name: "identity_registered_limits",
    columns: "id, service_id, region_id, resource_name, default_limit, description",
};

fn map(row: &Row<'_>) -> rusqlite::Result<RegisteredLimit> {
    Ok(RegisteredLimit {
        id: row.get("id")?,
        service_id: row.get("service_id")?,
        region_id: row.get("region_id")?,
        resource_name: row.get("resource_name")?,
        default_limit: row.get("default_limit")?,
        description: row.get("description")?,
    })
}

pub(crate) fn list(
    db: &Connection,
    condition: &Condition,
    paging: Option<&Paging>,
) -> Result<Vec<RegisteredLimit>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The registered limit `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<RegisteredLimit, Fault> {
    let found = list(db, &Condition::is("id", id), None)?.pop();
    found.ok_or_else(|| Fault::not_found(format!("Could not find registered limit for {id}.")))
}

/// The one for a resource, if there is one.
pub(crate) fn of_resource(
    db: &Connection,
    service_id: &str,
    region_id: Option<&str>,
    resource_name: &str,
) -> Result<Option<RegisteredLimit>, Fault> {
    let condition = Condition::new(
        "service_id = ? AND ifnull(region_id, '') = ? AND resource_name = ?",
        [service_id.into(), region_id.unwrap_or_default().into(), resource_name.into()],
    );
    Ok(list(db, &condition, None)?.pop())
}

/// 400 unless its service and its region are there.
fn check_named(db: &Connection, limit: &RegisteredLimit) -> Result<(), Fault> {
    check_service(db, &limit.service_id, "registered_limit")?;
    check_region(db, limit.region_id.as_deref(), "registered_limit")
}

/// 400 where the service of a `target` is not there.
pub(super) fn check_service(db: &Connection, id: &str, target: &str) -> Result<(), Fault> {
    match services::list(db, &Condition::is("id", id))?.is_empty() {
        true => Err(error::missing("service_id", target)),
        false => Ok(()),
    }
}

/// 400 where the region of a `target` is not there.
pub(super) fn check_region(db: &Connection, id: Option<&str>, target: &str) -> Result<(), Fault> {
    match id {
        Some(id) if regions::list(db, &Condition::is("id", id))?.is_empty() => Err(error::missing("region_id", target)),
        _ => Ok(()),
    }
}

fn taken() -> Fault {
    error::conflict("registered_limit", "Duplicate entry")
}

/// In the order of [`TABLE`].
fn values(limit: &RegisteredLimit) -> [&dyn rusqlite::ToSql; 6] {
    [&limit.id, &limit.service_id, &limit.region_id, &limit.resource_name, &limit.default_limit, &limit.description]
}

/// Adds `limit`.
pub(crate) fn insert(db: &Connection, limit: &RegisteredLimit) -> Result<(), Fault> {
    check_named(db, limit)?;
    query::execute(
        db,
        "INSERT INTO identity_registered_limits (id, service_id, region_id, resource_name, default_limit, description)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values(limit),
    )
    .map_err(|error| on_unique(error, taken))?;
    Ok(())
}

/// 403 while limits refer to it.
fn check_unused(db: &Connection, id: &str) -> Result<(), Fault> {
    if query::exists(db, "SELECT 1 FROM identity_limits WHERE registered_limit_id = ?1", [id])? {
        return Err(Fault::forbidden(format!(
            "Unable to update or delete registered limit {id} because there are project limits associated with it."
        )));
    }
    Ok(())
}

/// Writes `limit`, to which no limit may refer.
pub(crate) fn update(db: &Connection, limit: &RegisteredLimit) -> Result<(), Fault> {
    check_named(db, limit)?;
    check_unused(db, &limit.id)?;
    query::execute(
        db,
        "UPDATE identity_registered_limits
         SET service_id = ?2, region_id = ?3, resource_name = ?4, default_limit = ?5, description = ?6 WHERE id = ?1",
        values(limit),
    )
    .map_err(|error| on_unique(error, taken))?;
    Ok(())
}

/// Takes one away, to which no limit may refer.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    get(db, id)?;
    check_unused(db, id)?;
    query::execute(db, "DELETE FROM identity_registered_limits WHERE id = ?1", [id])?;
    Ok(())
}
