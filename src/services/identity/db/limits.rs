//! Limits of projects and domains. What they limit is told by the registered limit that they refer to.

use std::collections::BTreeMap;

use http_kit::{Condition, Paging};
use kit::ids::ProjectId;
use kit::{Fault, FaultKind};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, on_unique, projects, registered_limits, select};
use crate::domain::limit::Limit;
use crate::error;

const TABLE: Table = Table {
    name: "(SELECT l.id, l.project_id, l.domain_id, r.service_id, r.region_id, r.resource_name, l.resource_limit, \
           l.description FROM identity_limits l JOIN identity_registered_limits r ON r.id = l.registered_limit_id)",
    columns: "id, project_id, domain_id, service_id, region_id, resource_name, resource_limit, description",
};

fn map(row: &Row<'_>) -> rusqlite::Result<Limit> {
    Ok(Limit {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        domain_id: row.get("domain_id")?,
        service_id: row.get("service_id")?,
        region_id: row.get("region_id")?,
        resource_name: row.get("resource_name")?,
        resource_limit: row.get("resource_limit")?,
        description: row.get("description")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition, paging: Option<&Paging>) -> Result<Vec<Limit>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The limit `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Limit, Fault> {
    let found = list(db, &Condition::is("id", id), None)?.pop();
    found.ok_or_else(|| Fault::not_found(format!("Could not find limit for {id}.")))
}

/// What applies to `project` of each resource of services of the type `service_type`: its own limit, or the registered
/// one; one for a region goes over one for everywhere.
pub(crate) fn applying(
    db: &Connection,
    service_type: &str,
    project: &ProjectId,
) -> Result<BTreeMap<String, i64>, Fault> {
    let limits = query::all(
        db,
        "SELECT r.resource_name, coalesce(l.resource_limit, r.default_limit) FROM identity_registered_limits r \
         JOIN identity_services s ON s.id = r.service_id \
         LEFT JOIN identity_limits l ON l.registered_limit_id = r.id AND l.project_id = ?2 \
         WHERE s.type = ?1 ORDER BY r.region_id IS NOT NULL",
        params![service_type, project.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(limits.into_iter().collect())
}

/// `limit` for what its ids name: a project that acts as a domain is that domain. 400 where one is not there.
pub(crate) fn placed(db: &Connection, mut limit: Limit) -> Result<Limit, Fault> {
    registered_limits::check_service(db, &limit.service_id, "limit")?;
    registered_limits::check_region(db, limit.region_id.as_deref(), "limit")?;
    let absent = |attribute: &str, fault: Fault| match fault.kind() {
        FaultKind::NotFound => error::missing(attribute, "limit"),
        _ => fault,
    };
    if let Some(id) = &limit.project_id
        && projects::get(db, id).map_err(|fault| absent("project_id", fault))?.is_domain
    {
        limit.domain_id = limit.project_id.take();
    }
    if let Some(id) = &limit.domain_id {
        projects::get_domain(db, id).map_err(|fault| absent("domain_id", fault))?;
    }
    Ok(limit)
}

/// Adds `limit`, for whose resource there must be a registered limit.
pub(crate) fn insert(db: &Connection, limit: &Limit) -> Result<(), Fault> {
    let registered =
        registered_limits::of_resource(db, &limit.service_id, limit.region_id.as_deref(), &limit.resource_name)?;
    let Some(registered) = registered else {
        return Err(Fault::forbidden("Unable to create a limit that has no corresponding registered limit."));
    };
    query::execute(
        db,
        "INSERT INTO identity_limits (id, registered_limit_id, project_id, domain_id, resource_limit, description)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![limit.id, registered.id, limit.project_id, limit.domain_id, limit.resource_limit, limit.description],
    )
    .map_err(|error| on_unique(error, || error::conflict("limit", "Duplicate entry")))?;
    Ok(())
}

/// Writes what may change of `limit`.
pub(crate) fn update(db: &Connection, limit: &Limit) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_limits SET resource_limit = ?2, description = ?3 WHERE id = ?1",
        params![limit.id, limit.resource_limit, limit.description],
    )?;
    Ok(())
}

/// Takes a limit away.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    get(db, id)?;
    query::execute(db, "DELETE FROM identity_limits WHERE id = ?1", [id])?;
    Ok(())
}

/// Whether `limit` fits between the limits of the place above it and of those below it; what comes in the same `batch`
/// counts as if it were there.
pub(crate) fn check_fits(db: &Connection, limit: &Limit, batch: &[Limit]) -> Result<(), Fault> {
    match (&limit.project_id, &limit.domain_id) {
        (Some(project), _) => {
            let parent = projects::get(db, project)?.parent_id.unwrap_or_default();
            limit.check_fits(above(db, limit, &parent, batch)?, &[])
        }
        (None, Some(domain)) => limit.check_fits(None, &below(db, limit, domain)?),
        (None, None) => Ok(()),
    }
}

/// What applies to the domain `parent`; nothing where it is no domain and so has no limit.
fn above(db: &Connection, limit: &Limit, parent: &str, batch: &[Limit]) -> Result<Option<i64>, Fault> {
    let of_parent = |it: &&Limit| it.domain_id.as_deref() == Some(parent) && it.same_resource(limit);
    if let Some(found) = batch.iter().find(of_parent) {
        return Ok(Some(found.resource_limit));
    }
    let own = Condition::is("domain_id", parent).and(of_resource(limit));
    if let Some(found) = list(db, &own, None)?.pop() {
        return Ok(Some(found.resource_limit));
    }
    let registered =
        registered_limits::of_resource(db, &limit.service_id, limit.region_id.as_deref(), &limit.resource_name)?;
    Ok(registered.map(|registered| registered.default_limit))
}

/// What was set for the projects in `domain`.
fn below(db: &Connection, limit: &Limit, domain: &str) -> Result<Vec<i64>, Fault> {
    let inside = Condition::new(
        "project_id IN (SELECT id FROM identity_projects WHERE ifnull(domain_id, '') = ?)",
        [domain.into()],
    );
    let limits = list(db, &inside.and(of_resource(limit)), None)?;
    Ok(limits.into_iter().map(|limit| limit.resource_limit).collect())
}

fn of_resource(limit: &Limit) -> Condition {
    Condition::new(
        "service_id = ? AND ifnull(region_id, '') = ? AND resource_name = ?",
        [
            limit.service_id.as_str().into(),
            limit.region_id.as_deref().unwrap_or_default().into(),
            limit.resource_name.as_str().into(),
        ],
    )
}
