//! The table `image_metadef_namespaces`.

use http_kit::{Condition, SqlValue};
use kit::Timestamp;
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, Value, params, query};

use super::{objects, properties, resource_types, tags};
use crate::domain::metadefs::Namespace;
use crate::domain::metadefs::input::NewNamespace;

const COLUMNS: &str = "id, namespace, display_name, description, visibility, protected, owner, created_at, updated_at";

/// The namespace of this name.
pub fn get(db: &Connection, name: &str) -> Result<Option<Namespace>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_metadef_namespaces WHERE namespace = ?1");
    query::opt(db, &sql, [name], from_row)
}

/// Whether the namespace with this number is still there.
pub fn exists(db: &Connection, id: i64) -> Result<bool, Error> {
    query::exists(db, "SELECT 1 FROM image_metadef_namespaces WHERE id = ?1", [id])
}

/// The namespaces that satisfy `condition`, in the order `order`, at most `limit` (-1: all).
pub fn list(db: &Connection, condition: Condition, order: &str, limit: i64) -> Result<Vec<Namespace>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM image_metadef_namespaces WHERE {} ORDER BY {order} LIMIT ?", condition.sql);
    let mut values = query::bind(condition.values);
    values.push(Value::Integer(limit));
    query::query_all(db, &sql, &values, from_row)
}

/// The values of `columns` in the row of `id`: where a page begins.
pub fn key(db: &Connection, id: i64, columns: &[&'static str]) -> Result<Option<Vec<SqlValue>>, Error> {
    let sql = format!("SELECT {} FROM image_metadef_namespaces WHERE id = ?1", columns.join(", "));
    query::opt(db, &sql, [id], |row| query::key(row, columns.len()))
}

/// Adds a namespace of `owner` with all that is in it.
pub fn insert(db: &Connection, new: &NewNamespace, owner: &str, now: Timestamp) -> Result<Namespace, Error> {
    let sql = "INSERT INTO image_metadef_namespaces
         (namespace, display_name, description, visibility, protected, owner, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    let visibility = new.visibility.clone().unwrap_or_else(|| "private".to_owned());
    let protected = new.protected.unwrap_or(false);
    query::execute(
        db,
        sql,
        params![new.namespace, new.display_name, new.description, visibility, protected, owner, to_micros(now)],
    )?;
    let id = db.last_insert_rowid();
    for association in new.resource_type_associations.iter().flatten() {
        resource_types::associate(db, id, association, now)?;
    }
    for object in new.objects.iter().flatten() {
        objects::insert(db, id, object, now)?;
    }
    for tag in new.tags.iter().flatten() {
        tags::insert(db, id, &tag.name, now)?;
    }
    for (name, property) in new.properties.iter().flatten() {
        properties::insert(db, id, name, property)?;
    }
    Ok(Namespace {
        id,
        namespace: new.namespace.clone(),
        display_name: new.display_name.clone(),
        description: new.description.clone(),
        visibility,
        protected,
        owner: owner.to_owned(),
        created_at: now,
        updated_at: now,
    })
}

/// Writes what can be changed.
pub fn update(db: &Connection, namespace: &Namespace) -> Result<(), Error> {
    let sql =
        "UPDATE image_metadef_namespaces SET namespace = ?2, display_name = ?3, description = ?4, visibility = ?5,
         protected = ?6, owner = ?7, updated_at = ?8 WHERE id = ?1";
    let values = params![
        namespace.id,
        namespace.namespace,
        namespace.display_name,
        namespace.description,
        namespace.visibility,
        namespace.protected,
        namespace.owner,
        to_micros(namespace.updated_at),
    ];
    query::execute(db, sql, values).map(|_| ())
}

/// Removes a namespace and all that is in it.
pub fn delete(db: &Connection, id: i64) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_metadef_namespaces WHERE id = ?1", [id]).map(|_| ())
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Namespace> {
    Ok(Namespace {
        id: row.get("id")?,
        namespace: row.get("namespace")?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        visibility: row.get("visibility")?,
        protected: row.get("protected")?,
        owner: row.get("owner")?,
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}
