//! The table `volume_quotas`, and what projects have.

use std::collections::BTreeMap;

use store::{Connection, Error, params, query};

use crate::domain::quota::Usage;

/// A project's own limits.
pub fn get(db: &Connection, project: &str) -> Result<BTreeMap<String, i64>, Error> {
    let sql = "SELECT resource, hard_limit FROM volume_quotas WHERE project_id = ?1";
    let rows = query::all(db, sql, [project], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.into_iter().collect())
}

/// Sets one of a project's limits.
pub fn set(db: &Connection, project: &str, resource: &str, limit: i64) -> Result<(), Error> {
    let sql = "INSERT INTO volume_quotas (project_id, resource, hard_limit) VALUES (?1, ?2, ?3)
               ON CONFLICT (project_id, resource) DO UPDATE SET hard_limit = ?3";
    query::execute(db, sql, params![project, resource, limit])?;
    Ok(())
}

/// Puts a project back to the defaults.
pub fn delete(db: &Connection, project: &str) -> Result<(), Error> {
    query::execute(db, "DELETE FROM volume_quotas WHERE project_id = ?1", [project])?;
    Ok(())
}

/// What a project has.
pub fn usage(db: &Connection, project: &str) -> Result<Usage, Error> {
    let sql = "SELECT count(*), coalesce(sum(size_gb), 0) FROM volume_volumes WHERE project_id = ?1";
    query::one(db, sql, [project], |row| Ok(Usage { volumes: row.get(0)?, gigabytes: row.get(1)? }))
}
