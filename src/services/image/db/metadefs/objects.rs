//! The table `image_metadef_objects`.

use kit::Timestamp;
use kit::time::{from_micros, to_micros};
use serde_json::json;
use store::{Connection, Error, Row, params, query};

use crate::domain::metadefs::Object;
use crate::domain::metadefs::input::NewObject;

const COLUMNS: &str = "id, name, description, required, properties, created_at, updated_at";

/// The object of this name in the namespace.
pub fn get(db: &Connection, namespace: i64, name: &str) -> Result<Option<Object>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_metadef_objects WHERE namespace_id = ?1 AND name = ?2");
    query::opt(db, &sql, params![namespace, name], from_row)
}

/// The namespace's objects, the oldest first.
pub fn list(db: &Connection, namespace: i64) -> Result<Vec<Object>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_metadef_objects WHERE namespace_id = ?1 ORDER BY id");
    query::all(db, &sql, [namespace], from_row)
}

/// Adds an object.
pub fn insert(db: &Connection, namespace: i64, new: &NewObject, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO image_metadef_objects
         (namespace_id, name, description, required, properties, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    let (required, properties) = lists(new);
    query::execute(db, sql, params![namespace, new.name, new.description, required, properties, to_micros(now)])
        .map(|_| ())
}

/// Makes the object `id` what is in `new`.
pub fn update(db: &Connection, id: i64, new: &NewObject, now: Timestamp) -> Result<(), Error> {
    let sql =
        "UPDATE image_metadef_objects SET name = ?2, description = ?3, required = ?4, properties = ?5, updated_at = ?6
         WHERE id = ?1";
    let (required, properties) = lists(new);
    query::execute(db, sql, params![id, new.name, new.description, required, properties, to_micros(now)]).map(|_| ())
}

/// Removes the object of this name; whether there was one.
pub fn delete(db: &Connection, namespace: i64, name: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM image_metadef_objects WHERE namespace_id = ?1 AND name = ?2";
    Ok(query::execute(db, sql, params![namespace, name])? > 0)
}

/// Removes all objects of the namespace.
pub fn clear(db: &Connection, namespace: i64) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_metadef_objects WHERE namespace_id = ?1", [namespace]).map(|_| ())
}

/// What is stored as JSON.
fn lists(new: &NewObject) -> (String, String) {
    let properties = new.properties.as_ref().map_or_else(|| json!({}), |properties| json!(properties));
    (json!(new.required.as_deref().unwrap_or_default()).to_string(), properties.to_string())
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Object> {
    Ok(Object {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        required: super::json(row, "required")?,
        properties: super::json(row, "properties")?,
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}
