//! The table `volume_types`.

use std::collections::BTreeMap;

use kit::time::to_micros;
use store::{Connection, Error, Row, params, query};

/// A volume type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeType {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether every project can use it.
    pub is_public: bool,
    /// What it asks of a backend.
    pub extra_specs: BTreeMap<String, String>,
}

const COLUMNS: &str = "id, name, description, is_public, extra_specs";

/// Adds a type unless there is one of that name.
pub fn ensure(db: &Connection, volume_type: &VolumeType, now: kit::Timestamp) -> Result<(), Error> {
    let specs = serde_json::to_string(&volume_type.extra_specs).unwrap_or_default();
    query::execute(
        db,
        "INSERT INTO volume_types (id, name, description, is_public, extra_specs, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (name) DO NOTHING",
        params![volume_type.id, volume_type.name, volume_type.description, volume_type.is_public, specs, to_micros(now)],
    )?;
    Ok(())
}

/// The type of this id or name.
pub fn find(db: &Connection, id_or_name: &str) -> Result<Option<VolumeType>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM volume_types WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1");
    query::opt(db, &sql, [id_or_name], from_row)
}

/// All types, the newest first.
pub fn list(db: &Connection) -> Result<Vec<VolumeType>, Error> {
    query::all(db, &format!("SELECT {COLUMNS} FROM volume_types ORDER BY created_at DESC, id DESC"), [], from_row)
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<VolumeType> {
    let specs: String = row.get(4)?;
    Ok(VolumeType {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        is_public: row.get(3)?,
        extra_specs: serde_json::from_str(&specs).unwrap_or_default(),
    })
}
