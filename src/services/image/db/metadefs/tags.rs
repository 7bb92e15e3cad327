//! The table `image_metadef_tags`.

use http_kit::{Condition, SqlValue};
use kit::Timestamp;
use kit::time::to_micros;
use store::{Connection, Error, Value, params, query};

use crate::domain::metadefs::Named;

/// The tag of this name in the namespace.
pub fn get(db: &Connection, namespace: i64, name: &str) -> Result<Option<Named>, Error> {
    let sql = "SELECT name, created_at, updated_at FROM image_metadef_tags WHERE namespace_id = ?1 AND name = ?2";
    query::opt(db, sql, params![namespace, name], super::named)
}

/// The tags that satisfy `condition`, in the order `order`, at most `limit` (-1: all).
pub fn list(db: &Connection, condition: Condition, order: &str, limit: i64) -> Result<Vec<Named>, Error> {
    let sql = format!(
        "SELECT name, created_at, updated_at FROM image_metadef_tags WHERE {} ORDER BY {order} LIMIT ?",
        condition.sql
    );
    let mut values = query::bind(condition.values);
    values.push(Value::Integer(limit));
    query::query_all(db, &sql, &values, super::named)
}

/// The namespace's tags, the newest first.
pub fn all(db: &Connection, namespace: i64) -> Result<Vec<Named>, Error> {
    list(db, Condition::is("namespace_id", namespace), "created_at DESC, id DESC", -1)
}

/// The values of `columns` in the row of the tag `name`: where a page begins.
pub fn key(
    db: &Connection,
    namespace: i64,
    name: &str,
    columns: &[&'static str],
) -> Result<Option<Vec<SqlValue>>, Error> {
    let sql = format!("SELECT {} FROM image_metadef_tags WHERE namespace_id = ?1 AND name = ?2", columns.join(", "));
    query::opt(db, &sql, params![namespace, name], |row| query::key(row, columns.len()))
}

/// Adds a tag.
pub fn insert(db: &Connection, namespace: i64, name: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO image_metadef_tags (namespace_id, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)";
    query::execute(db, sql, params![namespace, name, to_micros(now)]).map(|_| ())
}

/// Renames a tag; whether there was one.
pub fn rename(db: &Connection, namespace: i64, from: &str, to: &str, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE image_metadef_tags SET name = ?3, updated_at = ?4 WHERE namespace_id = ?1 AND name = ?2";
    Ok(query::execute(db, sql, params![namespace, from, to, to_micros(now)])? > 0)
}

/// Removes the tag of this name; whether there was one.
pub fn delete(db: &Connection, namespace: i64, name: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM image_metadef_tags WHERE namespace_id = ?1 AND name = ?2";
    Ok(query::execute(db, sql, params![namespace, name])? > 0)
}

/// Removes all tags of the namespace.
pub fn clear(db: &Connection, namespace: i64) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_metadef_tags WHERE namespace_id = ?1", [namespace]).map(|_| ())
}
