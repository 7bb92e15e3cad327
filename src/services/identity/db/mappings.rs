//! Mappings.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, json, on_unique, select, to_json};
use crate::domain::federation::StoredMapping;
use crate::error;

const TABLE: Table = Table { name: "identity_mappings", columns: "id, schema_version, rules" };

fn map(row: &Row<'_>) -> rusqlite::Result<StoredMapping> {
    Ok(StoredMapping { id: row.get("id")?, schema_version: row.get("schema_version")?, rules: json(row, "rules")? })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<StoredMapping>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The mapping `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<StoredMapping, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("mapping", id))
}

pub(crate) fn insert(db: &Connection, mapping: &StoredMapping) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_mappings (id, schema_version, rules) VALUES (?1, ?2, ?3)",
        params![mapping.id, mapping.schema_version, to_json(&mapping.rules)?],
    )
    .map_err(|error| {
        on_unique(error, || error::conflict("mapping", format!("Duplicate entry found with ID {}", mapping.id)))
    })?;
    Ok(())
}

/// Puts `mapping` in the place of the one with its id.
pub(crate) fn update(db: &Connection, mapping: &StoredMapping) -> Result<(), Fault> {
    let changed = query::execute(
        db,
        "UPDATE identity_mappings SET schema_version = ?2, rules = ?3 WHERE id = ?1",
        params![mapping.id, mapping.schema_version, to_json(&mapping.rules)?],
    )?;
    if changed == 0 { Err(error::not_found("mapping", &mapping.id)) } else { Ok(()) }
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_mappings WHERE id = ?1", [id])? {
        0 => Err(error::not_found("mapping", id)),
        _ => Ok(()),
    }
}
