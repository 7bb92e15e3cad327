//! Servers' tags.

use kit::ids::ServerId;
use rusqlite::{Connection, params};
use store::query;

use super::to_json;

/// A server's tags, in alphabetical order.
///
/// # Errors
/// What the store reports.
pub fn of_instance(db: &Connection, server_id: &ServerId) -> Result<Vec<String>, store::Error> {
    const SQL: &str = "SELECT tag FROM compute_tags WHERE instance_id = ?1 ORDER BY tag";
    query::all(db, SQL, params![server_id.as_str()], |row| row.get("tag"))
}

/// The tags of many servers at once.
///
/// # Errors
/// What the store reports.
pub fn of_instances(db: &Connection, servers: &[&str]) -> Result<Vec<(ServerId, String)>, store::Error> {
    const SQL: &str = "SELECT instance_id, tag FROM compute_tags
        WHERE instance_id IN (SELECT value FROM json_each(?1)) ORDER BY instance_id, tag";
    query::all(db, SQL, params![to_json(&servers)?], |row| Ok((super::id(row, "instance_id")?, row.get("tag")?)))
}

/// Adds `tag`; says whether it is new.
///
/// # Errors
/// What the store reports.
pub fn insert(db: &Connection, server_id: &ServerId, tag: &str) -> Result<bool, store::Error> {
    const SQL: &str = "INSERT OR IGNORE INTO compute_tags (instance_id, tag) VALUES (?1, ?2)";
    Ok(query::execute(db, SQL, params![server_id.as_str(), tag])? == 1)
}

/// Removes `tag`; says whether it was there.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, server_id: &ServerId, tag: &str) -> Result<bool, store::Error> {
    const SQL: &str = "DELETE FROM compute_tags WHERE instance_id = ?1 AND tag = ?2";
    Ok(query::execute(db, SQL, params![server_id.as_str(), tag])? == 1)
}

/// Removes all of a server's tags.
///
/// # Errors
/// What the store reports.
pub fn delete_all(db: &Connection, server_id: &ServerId) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_tags WHERE instance_id = ?1", params![server_id.as_str()])?;
    Ok(())
}
