//! Projects and domains.

use http_kit::{Condition, Paging};
use kit::Fault;
use kit::time::{from_micros, to_micros};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, json, object, on_unique, select, to_json};
use crate::domain::project::Project;
use crate::error;

const TABLE: Table = Table {
    name: "identity_projects",
    columns: "id, name, domain_id, parent_id, is_domain, description, enabled, tags, options, extra, tokens_valid_since",
};

fn map(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get("id")?,
        name: row.get("name")?,
        domain_id: row.get("domain_id")?,
        parent_id: row.get("parent_id")?,
        is_domain: row.get("is_domain")?,
        description: row.get("description")?,
        enabled: row.get("enabled")?,
        tags: json(row, "tags")?,
        options: object(row, "options")?,
        extra: object(row, "extra")?,
        tokens_valid_since: from_micros(row.get("tokens_valid_since")?),
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition, paging: Option<&Paging>) -> Result<Vec<Project>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

fn find(db: &Connection, condition: &Condition) -> Result<Option<Project>, Fault> {
    Ok(list(db, condition, None)?.pop())
}

/// The project or domain `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Project, Fault> {
    find(db, &Condition::is("id", id))?.ok_or_else(|| error::not_found("project", id))
}

/// The domain `id`.
pub(crate) fn get_domain(db: &Connection, id: &str) -> Result<Project, Fault> {
    find(db, &Condition::is("id", id).and(Condition::is("is_domain", true)))?
        .ok_or_else(|| error::not_found("domain", id))
}

/// The domain called `name`.
pub(crate) fn domain_named(db: &Connection, name: &str) -> Result<Option<Project>, Fault> {
    find(db, &Condition::is("name", name).and(Condition::is("is_domain", true)))
}

/// The project called `name` in the domain `domain_id`.
pub(crate) fn project_named(db: &Connection, name: &str, domain_id: &str) -> Result<Option<Project>, Fault> {
    find(db, &Condition::is("name", name).and(Condition::is("domain_id", domain_id)))
}

/// Adds `project`, whose parent must be there, enabled and of the same domain.
pub(crate) fn insert(db: &Connection, project: &Project) -> Result<(), Fault> {
    if let (Some(domain_id), Some(parent_id)) = (&project.domain_id, &project.parent_id) {
        check_place(db, domain_id, parent_id)?;
    }
    query::execute(
        db,
        "INSERT INTO identity_projects (id, name, domain_id, parent_id, is_domain, description, enabled, tags, options,
                                        extra, tokens_valid_since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            project.id,
            project.name,
            project.domain_id,
            project.parent_id,
            project.is_domain,
            project.description,
            project.enabled,
            to_json(&project.tags)?,
            to_json(&project.options)?,
            to_json(&project.extra)?,
            to_micros(project.tokens_valid_since),
        ],
    )
    .map_err(|error| on_unique(error, || project.name_taken()))?;
    Ok(())
}

/// What Keystone says of a domain or parent that does not fit is a 400, even where it is missing.
fn check_place(db: &Connection, domain_id: &str, parent_id: &str) -> Result<(), Fault> {
    let as_400 = |fault: Fault| match fault.kind() {
        kit::FaultKind::NotFound => Fault::bad_request(fault.message().to_owned()),
        _ => fault,
    };
    get_domain(db, domain_id).map_err(as_400)?;
    let parent = get(db, parent_id).map_err(as_400)?;
    if parent.is_domain && parent.id != domain_id {
        return Err(Fault::bad_request(format!(
            "Cannot create project, the parent ({}) is acting as a domain, but this project's domain id ({domain_id}) \
             does not match the parent's id.",
            parent.id
        )));
    }
    if let Some(other) = parent.domain_id.filter(|other| other != domain_id) {
        return Err(Fault::bad_request(format!(
            "Cannot create project, since it specifies its domain_id {domain_id}, but specifies a parent in a different \
             domain ({other})."
        )));
    }
    match disabled_above(db, parent_id)? {
        Some(id) => {
            Err(Fault::bad_request(format!("cannot create a project in a branch containing a disabled project: {id}")))
        }
        None => Ok(()),
    }
}

/// 403 where `project` would be deeper in the tree than `deepest`; what is right in its domain is 1 deep.
pub(crate) fn check_depth(db: &Connection, project: &Project, deepest: usize) -> Result<(), Fault> {
    let Some(parent_id) = &project.parent_id else { return Ok(()) };
    // The domain is among the parents.
    if parents(db, parent_id)?.len() + 1 > deepest {
        return Err(Fault::forbidden(format!("Max hierarchy depth reached for {parent_id} branch.")));
    }
    Ok(())
}

/// All above `id`, the nearest first; the domain is the last.
pub(crate) fn parents(db: &Connection, id: &str) -> Result<Vec<Project>, Fault> {
    let (mut parents, mut next) = (Vec::new(), get(db, id)?.parent_id);
    while let Some(id) = next {
        let parent = get(db, &id)?;
        next = parent.parent_id.clone();
        parents.push(parent);
    }
    Ok(parents)
}

/// A disabled one among `id` and what is above it.
fn disabled_above(db: &Connection, id: &str) -> Result<Option<String>, Fault> {
    Ok(query::opt(
        db,
        "WITH RECURSIVE above (id, parent_id, enabled) AS (
             SELECT id, parent_id, enabled FROM identity_projects WHERE id = ?1
             UNION SELECT p.id, p.parent_id, p.enabled FROM identity_projects p JOIN above a ON p.id = a.parent_id)
         SELECT id FROM above WHERE enabled = 0 LIMIT 1",
        params![id],
        |row| row.get(0),
    )?)
}

/// All below `id`, itself not among them.
pub(crate) fn subtree(db: &Connection, id: &str) -> Result<Vec<Project>, Fault> {
    let below = Condition::new(
        "id IN (WITH RECURSIVE below (id) AS (
             SELECT id FROM identity_projects WHERE parent_id = ?
             UNION SELECT p.id FROM identity_projects p JOIN below b ON p.parent_id = b.id)
         SELECT id FROM below)",
        [http_kit::SqlValue::from(id)],
    );
    list(db, &below, None)
}

/// Writes what may change of `project`; `before` is what it was.
pub(crate) fn update(db: &Connection, before: &Project, project: &Project) -> Result<(), Fault> {
    if !project.is_domain {
        check_enabling(db, before, project)?;
    }
    query::execute(
        db,
        "UPDATE identity_projects
         SET name = ?2, description = ?3, enabled = ?4, tags = ?5, options = ?6, extra = ?7, tokens_valid_since = ?8
         WHERE id = ?1",
        params![
            project.id,
            project.name,
            project.description,
            project.enabled,
            to_json(&project.tags)?,
            to_json(&project.options)?,
            to_json(&project.extra)?,
            to_micros(project.tokens_valid_since),
        ],
    )
    .map_err(|error| on_unique(error, || project.name_taken()))?;
    Ok(())
}

fn check_enabling(db: &Connection, before: &Project, project: &Project) -> Result<(), Fault> {
    let id = &project.id;
    if !before.enabled && project.enabled {
        let above = project.parent_id.as_deref().map(|parent| disabled_above(db, parent)).transpose()?.flatten();
        if above.is_some() {
            return Err(Fault::forbidden(format!("Cannot enable project {id} since it has disabled parents")));
        }
    }
    if before.enabled && !project.enabled && subtree(db, id)?.iter().any(|below| below.enabled) {
        let text = format!("Cannot disable project {id} since its subtree contains enabled projects.");
        return Err(Fault::forbidden(text));
    }
    Ok(())
}

/// Takes a project away, which must have none below it, with what was granted on it.
pub(crate) fn delete(db: &Connection, project: &Project) -> Result<(), Fault> {
    project.check_deletable()?;
    let id = &project.id;
    if query::exists(db, "SELECT 1 FROM identity_projects WHERE parent_id = ?1", [id])? {
        return Err(Fault::forbidden(format!(
            "Cannot delete the project {id} since it is not a leaf in the hierarchy. Use the cascade option if you want \
             to delete a whole subtree."
        )));
    }
    query::execute(db, "DELETE FROM identity_projects WHERE id = ?1", [id])?;
    query::execute(db, "UPDATE identity_users SET default_project_id = NULL WHERE default_project_id = ?1", [id])?;
    Ok(())
}

/// Takes a domain away with its projects, users, groups and roles, and what was granted on them.
pub(crate) fn delete_domain(db: &Connection, domain: &Project) -> Result<(), Fault> {
    let id = &domain.id;
    domain.check_deletable()?;
    for project in list(db, &Condition::new("ifnull(domain_id, '') = ?", [id.as_str().into()]), None)? {
        project.check_deletable()?;
    }
    query::execute(
        db,
        "UPDATE identity_users SET default_project_id = NULL
         WHERE default_project_id IN (SELECT id FROM identity_projects WHERE ifnull(domain_id, '') = ?1)",
        [id],
    )?;
    query::execute(db, "DELETE FROM identity_projects WHERE id = ?1 OR domain_id = ?1", [id])?;
    Ok(())
}
