//! The tables `image_metadef_resource_types` and `image_metadef_associations`. A resource type is known once a namespace
//! was associated with it.

use kit::Timestamp;
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, params, query};

use crate::domain::metadefs::input::NewAssociation;
use crate::domain::metadefs::{Association, Named};

/// All resource types.
pub fn list(db: &Connection) -> Result<Vec<Named>, Error> {
    let sql = "SELECT name, created_at, updated_at FROM image_metadef_resource_types ORDER BY rowid";
    query::all(db, sql, [], super::named)
}

/// The namespace's associations.
pub fn associations(db: &Connection, namespace: i64) -> Result<Vec<Association>, Error> {
    let sql = "SELECT resource_type, prefix, properties_target, created_at, updated_at FROM image_metadef_associations
         WHERE namespace_id = ?1 ORDER BY resource_type";
    query::all(db, sql, [namespace], from_row)
}

/// The namespace's association with `resource_type`.
pub fn association(db: &Connection, namespace: i64, resource_type: &str) -> Result<Option<Association>, Error> {
    let sql = "SELECT resource_type, prefix, properties_target, created_at, updated_at FROM image_metadef_associations
         WHERE namespace_id = ?1 AND resource_type = ?2";
    query::opt(db, sql, params![namespace, resource_type], from_row)
}

/// Associates a namespace with a resource type, which is made known where it is not.
pub fn associate(db: &Connection, namespace: i64, new: &NewAssociation, now: Timestamp) -> Result<(), Error> {
    let known = "INSERT INTO image_metadef_resource_types (name, created_at, updated_at) VALUES (?1, ?2, ?2)
         ON CONFLICT DO NOTHING";
    query::execute(db, known, params![new.name, to_micros(now)])?;
    let sql = "INSERT INTO image_metadef_associations
         (namespace_id, resource_type, prefix, properties_target, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    query::execute(db, sql, params![namespace, new.name, new.prefix, new.properties_target, to_micros(now)]).map(|_| ())
}

/// Takes an association away; whether there was one.
pub fn dissociate(db: &Connection, namespace: i64, resource_type: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM image_metadef_associations WHERE namespace_id = ?1 AND resource_type = ?2";
    Ok(query::execute(db, sql, params![namespace, resource_type])? > 0)
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Association> {
    Ok(Association {
        name: row.get("resource_type")?,
        prefix: row.get("prefix")?,
        properties_target: row.get("properties_target")?,
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}
