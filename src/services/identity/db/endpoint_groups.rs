//! Endpoint groups, and the projects that they were chosen for.

use http_kit::{Condition, Paging, SqlValue};
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, select, to_json};
use crate::domain::endpoint_group::EndpointGroup;
use crate::error;

const TABLE: Table = Table { name: "identity_endpoint_groups", columns: "id, name, description, filters" };

fn map(row: &Row<'_>) -> rusqlite::Result<EndpointGroup> {
    Ok(EndpointGroup {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        filters: object(row, "filters")?,
    })
}

pub(crate) fn list(
    db: &Connection,
    condition: &Condition,
    paging: Option<&Paging>,
) -> Result<Vec<EndpointGroup>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The groups that were chosen for `project_id`.
pub(crate) fn of_project(db: &Connection, project_id: &str) -> Result<Vec<EndpointGroup>, Fault> {
    let chosen = Condition::new(
        "id IN (SELECT endpoint_group_id FROM identity_project_endpoint_groups WHERE project_id = ?)",
        [SqlValue::from(project_id)],
    );
    list(db, &chosen, None)
}

/// The group `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<EndpointGroup, Fault> {
    list(db, &Condition::is("id", id), None)?.pop().ok_or_else(|| error::not_found("Endpoint Group", id))
}

pub(crate) fn insert(db: &Connection, group: &EndpointGroup) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_endpoint_groups (id, name, description, filters) VALUES (?1, ?2, ?3, ?4)",
        params![group.id, group.name, group.description, to_json(&group.filters)?],
    )?;
    Ok(())
}

pub(crate) fn update(db: &Connection, group: &EndpointGroup) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_endpoint_groups SET name = ?2, description = ?3, filters = ?4 WHERE id = ?1",
        params![group.id, group.name, group.description, to_json(&group.filters)?],
    )?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_endpoint_groups WHERE id = ?1", [id])? {
        0 => Err(error::not_found("Endpoint Group", id)),
        _ => Ok(()),
    }
}

/// Chooses the group for the project.
pub(crate) fn choose(db: &Connection, id: &str, project_id: &str) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_project_endpoint_groups (endpoint_group_id, project_id) VALUES (?1, ?2)",
        [id, project_id],
    )
    .map_err(|error| on_unique(error, || error::conflict("project_endpoint_group", "Duplicate entry")))?;
    Ok(())
}

/// The group must have been chosen for the project.
pub(crate) fn check_chosen(db: &Connection, id: &str, project_id: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM identity_project_endpoint_groups WHERE endpoint_group_id = ?1 AND project_id = ?2";
    match query::exists(db, sql, [id, project_id])? {
        true => Ok(()),
        false => Err(Fault::not_found("Endpoint Group Project Association not found")),
    }
}

/// Takes the choice of the group for the project back.
pub(crate) fn leave(db: &Connection, id: &str, project_id: &str) -> Result<(), Fault> {
    check_chosen(db, id, project_id)?;
    let sql = "DELETE FROM identity_project_endpoint_groups WHERE endpoint_group_id = ?1 AND project_id = ?2";
    query::execute(db, sql, [id, project_id])?;
    Ok(())
}

/// The projects that the group was chosen for; none where there is no such group.
pub(crate) fn projects(db: &Connection, id: &str) -> Result<Vec<crate::domain::project::Project>, Fault> {
    let chosen = Condition::new(
        "id IN (SELECT project_id FROM identity_project_endpoint_groups WHERE endpoint_group_id = ?)",
        [SqlValue::from(id)],
    );
    super::projects::list(db, &chosen, None)
}
