//! Endpoints that were chosen for a project: one by one, or by group.

use http_kit::{Condition, SqlValue};
use kit::Fault;
use store::{Connection, query};

use super::{endpoint_groups, endpoints, on_unique, projects};
use crate::domain::catalog::Endpoint;
use crate::domain::project::Project;
use crate::error;

/// The endpoints that were chosen for `project_id` in any way, by id.
pub(crate) fn list(db: &Connection, project_id: &str) -> Result<Vec<Endpoint>, Fault> {
    let groups = endpoint_groups::of_project(db, project_id)?;
    let chosen = Condition::new(
        "id IN (SELECT endpoint_id FROM identity_project_endpoints WHERE project_id = ?)",
        [SqlValue::from(project_id)],
    );
    let mut found = endpoints::list(db, &chosen)?;
    if !groups.is_empty() {
        let all = endpoints::list(db, &Condition::all())?;
        found.extend(all.into_iter().filter(|endpoint| groups.iter().any(|group| group.has(endpoint))));
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
    }
    Ok(found)
}

/// The projects that the endpoint was chosen for by itself.
pub(crate) fn projects(db: &Connection, endpoint_id: &str) -> Result<Vec<Project>, Fault> {
    let chosen = Condition::new(
        "id IN (SELECT project_id FROM identity_project_endpoints WHERE endpoint_id = ?)",
        [SqlValue::from(endpoint_id)],
    );
    projects::list(db, &chosen, None)
}

/// Chooses the endpoint for the project.
pub(crate) fn insert(db: &Connection, project_id: &str, endpoint_id: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_project_endpoints (project_id, endpoint_id) VALUES (?1, ?2)";
    query::execute(db, sql, [project_id, endpoint_id])
        .map_err(|error| on_unique(error, || error::conflict("project_endpoint", "Duplicate entry")))?;
    Ok(())
}

/// The endpoint must have been chosen for the project.
pub(crate) fn check(db: &Connection, project_id: &str, endpoint_id: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM identity_project_endpoints WHERE project_id = ?1 AND endpoint_id = ?2";
    match query::exists(db, sql, [project_id, endpoint_id])? {
        true => Ok(()),
        false => Err(Fault::not_found(format!("Endpoint {endpoint_id} not found in project {project_id}"))),
    }
}

/// Takes the choice back.
pub(crate) fn delete(db: &Connection, project_id: &str, endpoint_id: &str) -> Result<(), Fault> {
    check(db, project_id, endpoint_id)?;
    let sql = "DELETE FROM identity_project_endpoints WHERE project_id = ?1 AND endpoint_id = ?2";
    query::execute(db, sql, [project_id, endpoint_id])?;
    Ok(())
}
