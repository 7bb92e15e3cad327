//! The table `image_metadef_properties`.

use std::collections::BTreeMap;

use serde_json::json;
use store::{Connection, Error, params, query};

use crate::domain::metadefs::property::Property;

/// The definition of this name in the namespace, with its number.
pub fn get(db: &Connection, namespace: i64, name: &str) -> Result<Option<(i64, Property)>, Error> {
    let sql = "SELECT id, definition FROM image_metadef_properties WHERE namespace_id = ?1 AND name = ?2";
    query::opt(db, sql, params![namespace, name], |row| Ok((row.get("id")?, super::json(row, "definition")?)))
}

/// The namespace's definitions by their names.
pub fn list(db: &Connection, namespace: i64) -> Result<BTreeMap<String, Property>, Error> {
    let sql = "SELECT name, definition FROM image_metadef_properties WHERE namespace_id = ?1";
    let all = query::all(db, sql, [namespace], |row| Ok((row.get("name")?, super::json(row, "definition")?)))?;
    Ok(all.into_iter().collect())
}

/// Adds a definition.
pub fn insert(db: &Connection, namespace: i64, name: &str, property: &Property) -> Result<(), Error> {
    let sql = "INSERT INTO image_metadef_properties (namespace_id, name, definition) VALUES (?1, ?2, ?3)";
    query::execute(db, sql, params![namespace, name, json!(property).to_string()]).map(|_| ())
}

/// Makes the definition `id` that of `name`.
pub fn update(db: &Connection, id: i64, name: &str, property: &Property) -> Result<(), Error> {
    let sql = "UPDATE image_metadef_properties SET name = ?2, definition = ?3 WHERE id = ?1";
    query::execute(db, sql, params![id, name, json!(property).to_string()]).map(|_| ())
}

/// Removes the definition of this name; whether there was one.
pub fn delete(db: &Connection, namespace: i64, name: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM image_metadef_properties WHERE namespace_id = ?1 AND name = ?2";
    Ok(query::execute(db, sql, params![namespace, name])? > 0)
}

/// Removes all definitions of the namespace.
pub fn clear(db: &Connection, namespace: i64) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_metadef_properties WHERE namespace_id = ?1", [namespace]).map(|_| ())
}
