//! Consumers of OAuth 1.0a.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, select, to_json};
use crate::domain::oauth1::Consumer;

const TABLE: Table = Table { name: "identity_consumers", columns: "id, description, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Consumer> {
    Ok(Consumer { id: row.get("id")?, description: row.get("description")?, extra: object(row, "extra")? })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Consumer>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The consumer `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Consumer, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(not_found)
}

fn not_found() -> Fault {
    Fault::not_found("Consumer not found")
}

pub(crate) fn insert(db: &Connection, consumer: &Consumer) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_consumers (id, description, extra) VALUES (?1, ?2, ?3)",
        params![consumer.id, consumer.description, to_json(&consumer.extra)?],
    )?;
    Ok(())
}

pub(crate) fn update(db: &Connection, consumer: &Consumer) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_consumers SET description = ?2, extra = ?3 WHERE id = ?1",
        params![consumer.id, consumer.description, to_json(&consumer.extra)?],
    )?;
    Ok(())
}

/// Takes a consumer away with all that was lent to it.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_consumers WHERE id = ?1", [id])? {
        0 => Err(not_found()),
        _ => Ok(()),
    }
}
