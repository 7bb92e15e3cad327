//! Who holds which role on what.

use http_kit::Condition;
use kit::{Fault, RoleRef};
use store::{Connection, Row, params, query, rusqlite};

use super::{projects, roles, users};
use crate::domain::project::Project;
use crate::domain::role::{Holding, Role};

/// A role that a user was given on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) user_id: String,
    pub(crate) role_id: String,
    pub(crate) holding: Holding,
}

fn map(row: &Row<'_>) -> rusqlite::Result<Assignment> {
    let id: Option<String> = row.get("target_id")?;
    let kind: String = row.get("target_kind")?;
    let holding = match (kind.as_str(), id) {
        ("project", Some(id)) => Holding::Project(id),
        ("domain", Some(id)) => Holding::Domain(id),
        _ => Holding::System,
    };
    Ok(Assignment { user_id: row.get("user_id")?, role_id: row.get("role_id")?, holding })
}

/// Narrows a list of assignments; what is `None` does not.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) user_id: Option<String>,
    pub(crate) role_id: Option<String>,
    pub(crate) holding: Option<Holding>,
}

/// The assignments as they were given.
pub(crate) fn list(db: &Connection, wanted: &Wanted) -> Result<Vec<Assignment>, Fault> {
    let holding = wanted.holding.as_ref();
    Ok(query::all(
        db,
        "SELECT user_id, role_id, target_kind, target_id FROM identity_assignments
         WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR role_id = ?2)
           AND (?3 IS NULL OR (target_kind = ?3 AND target_id IS ?4))
         ORDER BY user_id, target_kind, target_id, role_id",
        params![wanted.user_id, wanted.role_id, holding.map(Holding::kind), holding.and_then(Holding::id)],
        map,
    )?)
}

/// Gives the role; again is no error.
pub(crate) fn insert(db: &Connection, assignment: &Assignment) -> Result<(), Fault> {
    let Assignment { user_id, role_id, holding } = assignment;
    query::execute(
        db,
        "INSERT OR IGNORE INTO identity_assignments (user_id, role_id, target_kind, target_id)
         VALUES (?1, ?2, ?3, ?4)",
        params![user_id, role_id, holding.kind(), holding.id()],
    )?;
    Ok(())
}

/// Whether it was given.
pub(crate) fn exists(db: &Connection, assignment: &Assignment) -> Result<bool, Fault> {
    let Assignment { user_id, role_id, holding } = assignment.clone();
    let wanted = Wanted { user_id: Some(user_id), role_id: Some(role_id), holding: Some(holding) };
    Ok(!list(db, &wanted)?.is_empty())
}

/// Takes the role back; whether it was given.
pub(crate) fn delete(db: &Connection, assignment: &Assignment) -> Result<bool, Fault> {
    let Assignment { user_id, role_id, holding } = assignment;
    let deleted = query::execute(
        db,
        "DELETE FROM identity_assignments
         WHERE user_id = ?1 AND role_id = ?2 AND target_kind = ?3 AND target_id IS ?4",
        params![user_id, role_id, holding.kind(), holding.id()],
    )?;
    if let (Holding::Project(project_id), true) = (holding, deleted > 0) {
        super::application_credentials::delete_for_project(db, user_id, project_id)?;
    }
    Ok(deleted > 0)
}

/// 404 for an assignment that was not given.
pub(crate) fn not_given(assignment: &Assignment) -> Fault {
    Fault::not_found(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        assignment.role_id,
        assignment.user_id,
        assignment.holding.id().unwrap_or("system")
    ))
}

/// The roles that `user_id` was given there, themselves only.
pub(crate) fn roles_given(db: &Connection, user_id: &str, holding: &Holding) -> Result<Vec<Role>, Fault> {
    let given = Condition::new(
        "id IN (SELECT role_id FROM identity_assignments WHERE user_id = ? AND target_kind = ? AND target_id IS ?)",
        [user_id.into(), holding.kind().into(), holding.id().into()],
    );
    roles::list(db, &given)
}

/// The roles that `user_id` holds there, implied ones included, as a token lists them: a domain's own roles
/// count only by what they imply.
pub(crate) fn effective_roles(db: &Connection, user_id: &str, holding: &Holding) -> Result<Vec<RoleRef>, Fault> {
    Ok(query::all(
        db,
        "WITH RECURSIVE held (id) AS (
             SELECT role_id FROM identity_assignments
             WHERE user_id = ?1 AND target_kind = ?2 AND target_id IS ?3
             UNION SELECT i.implied_role_id FROM identity_implied_roles i JOIN held h ON i.prior_role_id = h.id)
         SELECT r.id, r.name FROM held h JOIN identity_roles r ON r.id = h.id
         WHERE r.domain_id IS NULL ORDER BY r.id",
        params![user_id, holding.kind(), holding.id()],
        |row| Ok(RoleRef { id: row.get::<_, String>(0)?.into(), name: row.get(1)? }),
    )?)
}

/// The projects, or the domains, on which `user_id` holds any role.
pub(crate) fn places_of(db: &Connection, user_id: &str, domains: bool) -> Result<Vec<Project>, Fault> {
    let kind = if domains { "domain" } else { "project" };
    let held = Condition::new(
        "id IN (SELECT target_id FROM identity_assignments WHERE user_id = ? AND target_kind = ?)",
        [user_id.into(), kind.into()],
    );
    projects::list(db, &held, None)
}

/// All that a grant names must be there; answers the user, the role and the place for the policy.
pub(crate) fn named(db: &Connection, assignment: &Assignment) -> Result<Grant, Fault> {
    let role = roles::get(db, &assignment.role_id)?;
    let (user, place) = actor_and_place(db, &assignment.user_id, &assignment.holding)?;
    Ok(Grant { user, role, place })
}

/// The user and the place of a list of grants.
pub(crate) fn actor_and_place(
    db: &Connection,
    user_id: &str,
    holding: &Holding,
) -> Result<(crate::domain::user::User, Option<Project>), Fault> {
    let user = users::get(db, user_id)?;
    let place = match holding {
        Holding::Project(id) => Some(projects::get(db, id)?),
        Holding::Domain(id) => Some(projects::get_domain(db, id)?),
        Holding::System => None,
    };
    Ok((user, place))
}

/// What a grant is about.
pub(crate) struct Grant {
    pub(crate) user: crate::domain::user::User,
    pub(crate) role: Role,
    pub(crate) place: Option<Project>,
}
