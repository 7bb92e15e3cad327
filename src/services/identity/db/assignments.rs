//! Roles as they were given. What follows from them is in [`effective`](super::effective); lists of them are made by
//! [`role_assignments`](super::role_assignments).

use http_kit::Condition;
use kit::Fault;
use store::{Connection, params, query};

use super::{groups, projects, roles, users};
use crate::domain::assignment::{Actor, Assignment};
use crate::domain::group::Group;
use crate::domain::project::Project;
use crate::domain::role::{Holding, Role};
use crate::domain::user::User;

/// Gives the role; again is no error.
pub(crate) fn insert(db: &Connection, assignment: &Assignment) -> Result<(), Fault> {
    let Assignment { actor, role_id, holding, inherited } = assignment;
    let (user, group) = match actor {
        Actor::User(id) => (Some(id), None),
        Actor::Group(id) => (None, Some(id)),
    };
    query::execute(
        db,
        "INSERT OR IGNORE INTO identity_assignments (user_id, group_id, role_id, target_kind, target_id, inherited)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![user, group, role_id, holding.kind(), holding.id(), inherited],
    )?;
    Ok(())
}

/// What holds for the one row.
fn of(actor: &Actor) -> String {
    let column = actor.column();
    format!(
        "{column} = ?1 AND ifnull(target_id, '') = ifnull(?3, '') AND target_kind = ?2 AND inherited = ?4 \
         AND role_id = ?5"
    )
}

/// Whether it was given.
pub(crate) fn exists(db: &Connection, assignment: &Assignment) -> Result<bool, Fault> {
    let Assignment { actor, role_id, holding, inherited } = assignment;
    let sql = format!("SELECT 1 FROM identity_assignments WHERE {}", of(actor));
    Ok(query::exists(db, &sql, params![actor.id(), holding.kind(), holding.id(), inherited, role_id])?)
}

/// Takes the role back; whether it was given.
pub(crate) fn delete(db: &Connection, assignment: &Assignment) -> Result<bool, Fault> {
    let Assignment { actor, role_id, holding, inherited } = assignment;
    let sql = format!("DELETE FROM identity_assignments WHERE {}", of(actor));
    let deleted = query::execute(db, &sql, params![actor.id(), holding.kind(), holding.id(), inherited, role_id])? > 0;
    if let (Holding::Project(project_id), Actor::User(user_id), true) = (holding, actor, deleted) {
        super::application_credentials::delete_for_project(db, user_id, project_id)?;
    }
    Ok(deleted)
}

/// 404 for an assignment that was not given.
pub(crate) fn not_given(assignment: &Assignment) -> Fault {
    Fault::not_found(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        assignment.role_id,
        assignment.actor.id(),
        assignment.holding.id().unwrap_or("system")
    ))
}

/// The roles that `actor` was given there, themselves only.
pub(crate) fn roles_given(
    db: &Connection,
    actor: &Actor,
    holding: &Holding,
    inherited: bool,
) -> Result<Vec<Role>, Fault> {
    let column = actor.column();
    let given = Condition::new(
        format!(
            "id IN (SELECT role_id FROM identity_assignments WHERE {column} = ? AND ifnull(target_id, '') = ? \
             AND target_kind = ? AND inherited = ?)"
        ),
        [actor.id().into(), holding.id().unwrap_or_default().into(), holding.kind().into(), inherited.into()],
    );
    roles::list(db, &given)
}

/// Who a grant is for.
pub(crate) enum Holder {
    User(User),
    Group(Group),
}

/// What a grant is about.
pub(crate) struct Grant {
    pub(crate) holder: Holder,
    pub(crate) role: Role,
    pub(crate) place: Option<Project>,
}

/// All that a grant names must be there.
pub(crate) fn named(db: &Connection, assignment: &Assignment) -> Result<Grant, Fault> {
    let role = roles::get(db, &assignment.role_id)?;
    let (holder, place) = holder_and_place(db, &assignment.actor, &assignment.holding)?;
    Ok(Grant { holder, role, place })
}

/// The holder and the place of a list of grants.
pub(crate) fn holder_and_place(
    db: &Connection,
    actor: &Actor,
    holding: &Holding,
) -> Result<(Holder, Option<Project>), Fault> {
    let holder = match actor {
        Actor::User(id) => Holder::User(users::get(db, id)?),
        Actor::Group(id) => Holder::Group(groups::get(db, id)?),
    };
    let place = match holding {
        Holding::Project(id) => Some(projects::get(db, id)?),
        Holding::Domain(id) => Some(projects::get_domain(db, id)?),
        Holding::System => None,
    };
    Ok((holder, place))
}
