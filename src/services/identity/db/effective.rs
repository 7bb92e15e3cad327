//! What people hold in effect: roles given to them or to their groups, on a place or inherited from one above it, and
//! what those imply.
//!
//! A domain's own roles count only by what they imply.

use http_kit::{Condition, SqlValue};
use kit::time::to_micros;
use kit::{Fault, Identity, RoleRef, Timestamp};
use store::{Connection, params, query};

use super::to_json;
use crate::domain::role::Holding;

/// Whose roles are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) user_id: &'a str,
    /// Groups that the user is in beside those that it was put into: those that its identity provider named for this token.
    pub(crate) groups: &'a [String],
    /// When: the groups that identity providers named before count until then, or not any more (`authorization_ttl`).
    pub(crate) at: Timestamp,
}

impl<'a> Person<'a> {
    /// The user, with its own groups.
    pub(crate) fn user(user_id: &'a str, at: Timestamp) -> Self {
        Self { user_id, groups: &[], at }
    }

    /// Whoever `identity` is.
    pub(crate) fn of(identity: &'a Identity, at: Timestamp) -> Self {
        Self { user_id: identity.user.id.as_str(), groups: identity.basis.groups(), at }
    }
}

/// `held (id)`: the roles that the user ?1, being in the groups ?4 too, holds on the place ?2 ?3 at ?5, implied ones included.
macro_rules! held {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE
                 above (id) AS (
                     SELECT parent_id FROM identity_projects WHERE ?2 = 'project' AND id = ?3
                     UNION SELECT p.parent_id FROM above a JOIN identity_projects p ON p.id = a.id),
                 place (id, kind, inherited) AS (
                     SELECT ifnull(?3, ''), ?2, 0 UNION ALL SELECT id, NULL, 1 FROM above WHERE id IS NOT NULL),
                 mine (id) AS (
                     SELECT group_id FROM identity_group_members WHERE user_id = ?1
                     UNION SELECT value FROM json_each(?4)
                     UNION SELECT m.group_id FROM identity_federated_memberships m
                     JOIN identity_providers p ON p.id = m.idp_id
                     WHERE m.user_id = ?1 AND p.enabled = 1
                       AND m.verified_at + ifnull(p.authorization_ttl, 0) * 60000000 > ?5),
                 held (id) AS (
                     SELECT a.role_id FROM place p CROSS JOIN identity_assignments a
                     WHERE a.user_id = ?1 AND ifnull(a.target_id, '') = p.id AND a.inherited = p.inherited
                       AND (p.kind IS NULL OR a.target_kind = p.kind)
                     UNION SELECT a.role_id FROM mine m CROSS JOIN place p CROSS JOIN identity_assignments a
                     WHERE a.group_id = m.id AND ifnull(a.target_id, '') = p.id AND a.inherited = p.inherited
                       AND (p.kind IS NULL OR a.target_kind = p.kind)
                     UNION SELECT i.implied_role_id FROM held h JOIN identity_implied_roles i ON i.prior_role_id = h.id)
             ",
            $select
        )
    };
}

/// The roles that `person` holds there, as a token lists them.
pub(crate) fn roles(db: &Connection, person: Person<'_>, holding: &Holding) -> Result<Vec<RoleRef>, Fault> {
    Ok(query::all(
        db,
        held!(
            "SELECT r.id, r.name FROM held h JOIN identity_roles r ON r.id = h.id
             WHERE r.domain_id IS NULL ORDER BY r.id"
        ),
        params![person.user_id, holding.kind(), holding.id(), to_json(&person.groups)?, to_micros(person.at)],
        |row| Ok(RoleRef { id: row.get::<_, String>(0)?.into(), name: row.get(1)? }),
    )?)
}

/// The ids of the same roles, with those that belong to domains.
pub(crate) fn all_role_ids(db: &Connection, person: Person<'_>, holding: &Holding) -> Result<Vec<String>, Fault> {
    let values = params![person.user_id, holding.kind(), holding.id(), to_json(&person.groups)?, to_micros(person.at)];
    Ok(query::all(db, held!("SELECT id FROM held ORDER BY id"), values, |row| row.get(0))?)
}

/// What somebody was given with a role that counts: (`kind`, `id`, `inherited`). It takes the user's id twice, the groups as JSON,
/// the user's id again and the time.
const GIVEN: &str = "counting (id) AS (
         SELECT id FROM identity_roles WHERE domain_id IS NULL
         UNION SELECT i.prior_role_id FROM counting c JOIN identity_implied_roles i ON i.implied_role_id = c.id),
     given (kind, id, inherited) AS (
         SELECT target_kind, target_id, inherited FROM identity_assignments
         WHERE user_id = ? AND role_id IN (SELECT id FROM counting)
         UNION SELECT a.target_kind, a.target_id, a.inherited
         FROM (SELECT group_id AS id FROM identity_group_members WHERE user_id = ?
               UNION SELECT value FROM json_each(?)
               UNION SELECT m.group_id FROM identity_federated_memberships m
               JOIN identity_providers p ON p.id = m.idp_id
               WHERE m.user_id = ? AND p.enabled = 1
                 AND m.verified_at + ifnull(p.authorization_ttl, 0) * 60000000 > ?) m
         CROSS JOIN identity_assignments a
         WHERE a.group_id = m.id AND a.role_id IN (SELECT id FROM counting))";

fn condition(select: &str, person: Person<'_>) -> Result<Condition, Fault> {
    let user = || SqlValue::from(person.user_id);
    let groups = SqlValue::from(to_json(&person.groups)?.as_str());
    let values = [user(), user(), groups, user(), SqlValue::from(to_micros(person.at))];
    Ok(Condition::new(format!("id IN (WITH RECURSIVE {GIVEN} {select})"), values))
}

/// Holds for the projects on which `person` holds any role.
pub(crate) fn projects_of(person: Person<'_>) -> Result<Condition, Fault> {
    let select = ", below (id) AS (
             SELECT p.id FROM given g JOIN identity_projects p ON p.parent_id = g.id WHERE g.inherited = 1
             UNION SELECT p.id FROM below b JOIN identity_projects p ON p.parent_id = b.id)
         SELECT id FROM given WHERE kind = 'project' AND inherited = 0 UNION SELECT id FROM below";
    condition(select, person)
}

/// Holds for the domains on which `person` holds any role.
pub(crate) fn domains_of(person: Person<'_>) -> Result<Condition, Fault> {
    condition("SELECT id FROM given WHERE kind = 'domain' AND inherited = 0", person)
}

/// Whether anybody can still log in as an administrator: an enabled user who holds the role `admin` on the system, or on
/// an enabled project or domain.
pub(crate) fn has_administrator(db: &Connection) -> Result<bool, Fault> {
    let sql = "WITH RECURSIVE
             granting (id) AS (
                 SELECT id FROM identity_roles WHERE name = 'admin' AND domain_id IS NULL
                 UNION SELECT i.prior_role_id FROM granting g JOIN identity_implied_roles i ON i.implied_role_id = g.id),
             usable (user_id, group_id) AS (
                 SELECT a.user_id, a.group_id FROM granting g JOIN identity_assignments a ON a.role_id = g.id
                 WHERE a.target_kind = 'system' OR EXISTS (
                     SELECT 1 FROM identity_projects p LEFT JOIN identity_projects d ON d.id = p.domain_id
                     WHERE p.enabled = 1 AND ifnull(d.enabled, 1) = 1
                       AND ((a.inherited = 0 AND p.id = a.target_id) OR (a.inherited = 1 AND p.parent_id = a.target_id)))),
             people (id) AS (
                 SELECT user_id FROM usable WHERE user_id IS NOT NULL
                 UNION SELECT m.user_id FROM usable u JOIN identity_group_members m ON m.group_id = u.group_id)
         SELECT 1 FROM people JOIN identity_users u ON u.id = people.id JOIN identity_projects d ON d.id = u.domain_id
         WHERE u.enabled = 1 AND d.enabled = 1 LIMIT 1";
    Ok(query::exists(db, sql, [])?)
}
