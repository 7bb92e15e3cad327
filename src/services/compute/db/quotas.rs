//! Limits that differ from the defaults, and what projects use.

use rusqlite::{Connection, params};
use store::query;

use crate::domain::quota::{Limits, Usage};

/// The project under which changed defaults stand.
const DEFAULTS: &str = "";

/// The limits of `project`.
///
/// # Errors
/// What the store reports.
pub fn limits(db: &Connection, project: &str) -> Result<Limits, store::Error> {
    // The defaults' project sorts before every other.
    const SQL: &str =
        "SELECT resource, hard_limit FROM compute_quotas WHERE project_id IN (?1, ?2) ORDER BY project_id";
    query::all(db, SQL, params![DEFAULTS, project], |row| Ok((row.get(0)?, row.get(1)?))).map(Limits::with)
}

/// The limits of projects that have none of their own.
///
/// # Errors
/// What the store reports.
pub fn defaults(db: &Connection) -> Result<Limits, store::Error> {
    limits(db, DEFAULTS)
}

/// Sets the limit of one resource for `project`.
///
/// # Errors
/// What the store reports.
pub fn set(db: &Connection, project: &str, resource: &str, limit: i64) -> Result<(), store::Error> {
    const SQL: &str = "INSERT OR REPLACE INTO compute_quotas (project_id, resource, hard_limit) VALUES (?1, ?2, ?3)";
    query::execute(db, SQL, params![project, resource, limit])?;
    Ok(())
}

/// Takes back all that was set for `project`.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, project: &str) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_quotas WHERE project_id = ?1", params![project])?;
    Ok(())
}

/// What the servers of `project` take.
///
/// # Errors
/// What the store reports.
pub fn usage(db: &Connection, project: &str) -> Result<Usage, store::Error> {
    const SQL: &str = "SELECT COUNT(*), COALESCE(SUM(vcpus), 0), COALESCE(SUM(ram_mb), 0) FROM compute_instances
        WHERE project_id = ?1 AND deleted_at IS NULL";
    query::one(db, SQL, params![project], |row| {
        Ok(Usage { instances: row.get(0)?, cores: row.get(1)?, ram: row.get(2)? })
    })
}
