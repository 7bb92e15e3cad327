//! Flavors, and which projects may use those that are not public.

use std::collections::BTreeMap;

use bus::topics::compute_types::FlavorSpec;
use http_kit::{Condition, Paging};
use kit::Timestamp;
use kit::ids::{FlavorId, ProjectId};
use kit::time::to_micros;
use rusqlite::{Connection, Row, params};
use store::query;

use super::{id, int, json, to_json};

/// A flavor.
#[derive(Debug, Clone, PartialEq)]
pub struct Flavor {
    /// Its size.
    pub spec: FlavorSpec,
    /// What it is for.
    pub description: Option<String>,
    /// Share of the network's bandwidth; nothing uses it.
    pub rxtx_factor: f64,
    /// Whether every project may use it.
    pub is_public: bool,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Flavor> {
    let count = |column: &str| row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Flavor {
        spec: FlavorSpec {
            id: id(row, "id")?,
            name: row.get("name")?,
            vcpus: row.get("vcpus")?,
            ram_mb: count("ram_mb")?,
            disk_gb: count("disk_gb")?,
            ephemeral_gb: count("ephemeral_gb")?,
            swap_mb: count("swap_mb")?,
            extra_specs: json(row, "extra_specs")?,
        },
        description: row.get("description")?,
        rxtx_factor: row.get("rxtx_factor")?,
        is_public: row.get("is_public")?,
    })
}

/// Adds a flavor.
///
/// # Errors
/// What the store reports: a unique rule on `compute_flavors.id` or `compute_flavors.name`.
pub fn insert(db: &Connection, flavor: &Flavor, now: Timestamp) -> Result<(), store::Error> {
    const SQL: &str =
        "INSERT INTO compute_flavors (id, name, description, vcpus, ram_mb, disk_gb, ephemeral_gb, swap_mb,
        rxtx_factor, is_public, extra_specs, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let spec = &flavor.spec;
    let values = params![
        spec.id.as_str(),
        spec.name,
        flavor.description,
        spec.vcpus,
        int(spec.ram_mb),
        int(spec.disk_gb),
        int(spec.ephemeral_gb),
        int(spec.swap_mb),
        flavor.rxtx_factor,
        flavor.is_public,
        to_json(&spec.extra_specs)?,
        to_micros(now),
    ];
    query::execute(db, SQL, values)?;
    Ok(())
}

/// Whether there is any flavor.
///
/// # Errors
/// What the store reports.
pub fn any(db: &Connection) -> Result<bool, store::Error> {
    query::exists(db, "SELECT 1 FROM compute_flavors", [])
}

/// Holds for the flavors that `project` may use.
#[must_use]
pub fn usable_by(project: Option<&ProjectId>) -> Condition {
    let granted = "id IN (SELECT flavor_id FROM compute_flavor_access WHERE project_id = ?)";
    let public = Condition::new("is_public = 1", []);
    match project {
        Some(project) => public.or(Condition::new(granted, [project.as_str().into()])),
        None => public,
    }
}

/// One flavor.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, id: &FlavorId) -> Result<Option<Flavor>, store::Error> {
    query::opt(db, "SELECT * FROM compute_flavors WHERE id = ?1", params![id.as_str()], from_row)
}

/// Whether `project` may use the flavor `id`.
///
/// # Errors
/// What the store reports.
pub fn is_usable_by(db: &Connection, id: &FlavorId, project: &ProjectId) -> Result<bool, store::Error> {
    const SQL: &str = "SELECT 1 FROM compute_flavors WHERE id = ?1 AND (is_public = 1
        OR id IN (SELECT flavor_id FROM compute_flavor_access WHERE project_id = ?2))";
    query::exists(db, SQL, params![id.as_str(), project.as_str()])
}

/// One page of flavors; nothing where the marker names none.
///
/// # Errors
/// What the store reports.
pub fn list(db: &Connection, condition: Condition, paging: &Paging) -> Result<Option<Vec<Flavor>>, store::Error> {
    super::page(db, "compute_flavors", "id", condition, paging, from_row)
}

/// Sets the description; says whether there is such a flavor.
///
/// # Errors
/// What the store reports.
pub fn set_description(db: &Connection, id: &FlavorId, description: Option<&str>) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_flavors SET description = ?2 WHERE id = ?1";
    Ok(query::execute(db, SQL, params![id.as_str(), description])? == 1)
}

/// Sets all extra specs; says whether there is such a flavor.
///
/// # Errors
/// What the store reports.
pub fn set_extra_specs(
    db: &Connection,
    id: &FlavorId,
    extra_specs: &BTreeMap<String, String>,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_flavors SET extra_specs = ?2 WHERE id = ?1";
    Ok(query::execute(db, SQL, params![id.as_str(), to_json(extra_specs)?])? == 1)
}

/// Deletes a flavor; says whether there was one. Servers keep what they were made with.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, id: &FlavorId) -> Result<bool, store::Error> {
    Ok(query::execute(db, "DELETE FROM compute_flavors WHERE id = ?1", params![id.as_str()])? == 1)
}

/// The projects that may use a flavor that is not public.
///
/// # Errors
/// What the store reports.
pub fn access(db: &Connection, flavor: &FlavorId) -> Result<Vec<ProjectId>, store::Error> {
    const SQL: &str = "SELECT project_id FROM compute_flavor_access WHERE flavor_id = ?1 ORDER BY rowid";
    query::all(db, SQL, params![flavor.as_str()], |row| id(row, "project_id"))
}

/// Lets a project use a flavor.
///
/// # Errors
/// What the store reports; a unique rule where it may already.
pub fn insert_access(db: &Connection, flavor: &FlavorId, project: &str) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_flavor_access (flavor_id, project_id) VALUES (?1, ?2)";
    query::execute(db, SQL, params![flavor.as_str(), project])?;
    Ok(())
}

/// Takes that back; says whether it was so.
///
/// # Errors
/// What the store reports.
pub fn delete_access(db: &Connection, flavor: &FlavorId, project: &str) -> Result<bool, store::Error> {
    const SQL: &str = "DELETE FROM compute_flavor_access WHERE flavor_id = ?1 AND project_id = ?2";
    Ok(query::execute(db, SQL, params![flavor.as_str(), project])? == 1)
}
