//! Credentials, their blobs sealed ([`crate::vault`]); and which passcodes were used.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, select, to_json};
use crate::domain::Object;
use crate::error;
use crate::token::keys::Sealed;

/// A credential as it is stored.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) project_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) sealed: Sealed,
    pub(crate) extra: Object,
}

const TABLE: Table =
    Table { name: "identity_credentials", columns: "id, user_id, project_id, type, blob, key_id, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        project_id: row.get("project_id")?,
        kind: row.get("type")?,
        sealed: Sealed { bytes: row.get("blob")?, key_id: row.get("key_id")? },
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Stored>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The user, and the project where there is one, must be there.
fn check_places(db: &Connection, it: &Stored) -> Result<(), Fault> {
    super::users::get(db, &it.user_id)?;
    if let Some(project) = &it.project_id {
        super::projects::get(db, project)?;
    }
    Ok(())
}

/// Adds one.
pub(crate) fn insert(db: &Connection, it: &Stored) -> Result<(), Fault> {
    check_places(db, it)?;
    query::execute(
        db,
        "INSERT INTO identity_credentials (id, user_id, project_id, type, blob, key_id, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![it.id, it.user_id, it.project_id, it.kind, it.sealed.bytes, it.sealed.key_id, to_json(&it.extra)?],
    )
    .map_err(|error| {
        on_unique(error, || error::conflict("credential", format!("Duplicate entry found with ID {}", it.id)))
    })?;
    Ok(())
}

/// Writes what may change of one.
pub(crate) fn update(db: &Connection, it: &Stored) -> Result<(), Fault> {
    check_places(db, it)?;
    query::execute(
        db,
        "UPDATE identity_credentials
         SET user_id = ?2, project_id = ?3, type = ?4, blob = ?5, key_id = ?6, extra = ?7 WHERE id = ?1",
        params![it.id, it.user_id, it.project_id, it.kind, it.sealed.bytes, it.sealed.key_id, to_json(&it.extra)?],
    )?;
    Ok(())
}

/// Takes one away.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_credentials WHERE id = ?1", [id])?;
    Ok(())
}

/// The keys that anything is sealed with.
pub(crate) fn keys_in_use(db: &Connection) -> Result<Vec<u32>, Fault> {
    Ok(query::all(db, "SELECT DISTINCT key_id FROM identity_credentials", [], |row| row.get(0))?)
}

/// Some that are sealed with another key than `key_id`.
pub(crate) fn sealed_otherwise(db: &Connection, key_id: u32, limit: u32) -> Result<Vec<Stored>, Fault> {
    let Table { name, columns } = TABLE;
    let sql = format!("SELECT {columns} FROM {name} WHERE key_id <> ?1 LIMIT {limit}");
    Ok(query::all(db, &sql, [key_id], map)?)
}

/// Puts `new` in the place of `old`, unless that has changed meanwhile.
pub(crate) fn reseal(db: &Connection, id: &str, old: &Sealed, new: &Sealed) -> Result<(), Fault> {
    let sql = "UPDATE identity_credentials SET blob = ?3, key_id = ?4 WHERE id = ?1 AND blob = ?2";
    query::execute(db, sql, params![id, old.bytes, new.bytes, new.key_id])?;
    Ok(())
}

/// Notes that the passcode of the time `step` was used; whether it is the first of this step or a later one.
pub(crate) fn use_passcode(db: &Connection, id: &str, step: i64) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_used_passcodes (credential_id, step) VALUES (?1, ?2)
               ON CONFLICT (credential_id) DO UPDATE SET step = excluded.step WHERE excluded.step > step";
    Ok(query::execute(db, sql, params![id, step])? > 0)
}
