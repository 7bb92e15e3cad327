//! Lists of role assignments: as they were given, or expanded to what they mean for people (groups to their members,
//! inherited roles to the projects below, roles to what they imply).
//!
//! One statement makes the whole list; names are joined where they are wanted.

use http_kit::{Condition, SqlValue};
use kit::Fault;
use store::{Connection, Row, query, rusqlite};

use super::{projects, users};
use crate::domain::assignment::{Actor, Assignment, Listed, Names, Naming, Origin};
use crate::domain::role::Holding;

/// What a list is wanted of; what is `None` does not narrow it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) actor: Option<Actor>,
    pub(crate) role_id: Option<String>,
    pub(crate) holding: Option<Holding>,
    /// With a project: also those below it.
    pub(crate) subtree: bool,
    pub(crate) inherited: Option<bool>,
    /// A domain; only what is on it or on its projects.
    pub(crate) inside: Option<String>,
    pub(crate) effective: bool,
    pub(crate) names: bool,
}

const GIVEN: &str = "SELECT user_id, group_id, role_id, target_kind, target_id, inherited, NULL AS via_group,
         NULL AS via_kind, NULL AS via_id, NULL AS prior
     FROM identity_assignments";

/// Projects below places with inherited roles, and what every role comes to.
const BELOW_AND_IMPLIED: &str = "below (top, id) AS (
         SELECT parent_id, id FROM identity_projects
         WHERE parent_id IN (SELECT target_id FROM identity_assignments WHERE inherited = 1)
         UNION SELECT b.top, p.id FROM below b JOIN identity_projects p ON p.parent_id = b.id),
     implied (start, id, prior) AS (
         SELECT id, id, NULL FROM identity_roles
         UNION SELECT m.start, i.implied_role_id, m.id
         FROM implied m JOIN identity_implied_roles i ON i.prior_role_id = m.id)";

const PLACED: &str = "placed (user_id, via_group, role_id, target_kind, target_id, via_kind, via_id) AS (
         SELECT user_id, via_group, role_id, target_kind, target_id, NULL, NULL FROM acting WHERE inherited = 0
         UNION ALL
         SELECT a.user_id, a.via_group, a.role_id, 'project', b.id, a.target_kind, a.target_id
         FROM acting a JOIN below b ON b.top = a.target_id WHERE a.inherited = 1)";

const EFFECTIVE: &str = "SELECT p.user_id, NULL AS group_id, m.id AS role_id, p.target_kind, p.target_id,
         p.via_kind IS NOT NULL AS inherited, p.via_group, p.via_kind, p.via_id, m.prior
     FROM placed p JOIN implied m ON m.start = p.role_id JOIN identity_roles r ON r.id = m.id AND r.domain_id IS NULL";

const NAME_COLUMNS: &str = ", ifnull(u.name, g.name) AS actor_name, ad.id AS actor_domain_id,
     ad.name AS actor_domain_name, r.name AS role_name, rd.id AS role_domain_id, rd.name AS role_domain_name,
     p.name AS place_name, pd.id AS place_domain_id, pd.name AS place_domain_name";

const NAME_JOINS: &str = " LEFT JOIN identity_users u ON u.id = e.user_id
     LEFT JOIN identity_groups g ON g.id = e.group_id
     LEFT JOIN identity_projects ad ON ad.id = ifnull(u.domain_id, g.domain_id)
     LEFT JOIN identity_roles r ON r.id = e.role_id
     LEFT JOIN identity_projects rd ON rd.id = r.domain_id
     LEFT JOIN identity_projects p ON p.id = e.target_id
     LEFT JOIN identity_projects pd ON pd.id = ifnull(p.domain_id, p.id)";

/// The assignments that are `wanted`.
pub(crate) fn list(db: &Connection, wanted: &Wanted) -> Result<Vec<Listed>, Fault> {
    let (with, relation, mut values) = if wanted.effective {
        check_named(db, wanted)?;
        effective(wanted)
    } else {
        (String::new(), GIVEN, Vec::new())
    };
    let condition = condition(wanted);
    values.extend(condition.values);
    let (columns, joins) = if wanted.names { (NAME_COLUMNS, NAME_JOINS) } else { ("", "") };
    let sql = format!(
        "{with}SELECT e.*{columns} FROM ({relation}) e{joins} WHERE {} \
         ORDER BY e.user_id, e.group_id, e.target_kind, e.target_id, e.prior IS NOT NULL, e.role_id",
        condition.sql
    );
    let names = wanted.names;
    Ok(query::query_all(db, &sql, &query::bind(values), |row| map(row, names))?)
}

/// What is effective can only be worked out for a user and a project that are there.
fn check_named(db: &Connection, wanted: &Wanted) -> Result<(), Fault> {
    if let Some(Actor::User(id)) = &wanted.actor {
        users::get(db, id)?;
    }
    match &wanted.holding {
        Some(Holding::Project(id)) => projects::get(db, id).map(drop),
        _ => Ok(()),
    }
}

/// The `WITH` of effective assignments, what to select from it, and what to bind. A wanted user is looked for at the
/// root, so that nothing is expanded for others.
fn effective(wanted: &Wanted) -> (String, &'static str, Vec<SqlValue>) {
    let user = match &wanted.actor {
        Some(Actor::User(id)) => Some(SqlValue::from(id.as_str())),
        _ => None,
    };
    let (direct, member) = if user.is_some() { ("user_id = ?", "m.user_id = ?") } else { ("user_id IS NOT NULL", "1") };
    let with = format!(
        "WITH RECURSIVE {BELOW_AND_IMPLIED},
         acting (user_id, via_group, role_id, target_kind, target_id, inherited) AS (
             SELECT user_id, NULL, role_id, target_kind, target_id, inherited FROM identity_assignments WHERE {direct}
             UNION ALL
             SELECT m.user_id, a.group_id, a.role_id, a.target_kind, a.target_id, a.inherited
             FROM identity_group_members m CROSS JOIN identity_assignments a
             WHERE a.group_id = m.group_id AND {member}),
         {PLACED} "
    );
    (with, EFFECTIVE, user.iter().chain(user.iter()).cloned().collect())
}

/// What of `e` is wanted.
fn condition(wanted: &Wanted) -> Condition {
    let mut parts = vec![place(wanted)];
    if let Some(actor) = &wanted.actor {
        parts.push(Condition::new(format!("e.{} = ?", actor.column()), [actor.id().into()]));
    }
    if let Some(role) = &wanted.role_id {
        parts.push(Condition::new("e.role_id = ?", [role.as_str().into()]));
    }
    if let Some(inherited) = wanted.inherited {
        parts.push(Condition::new("e.inherited = ?", [inherited.into()]));
    }
    if let Some(domain) = wanted.inside.as_deref() {
        parts.push(Condition::new(
            "(e.target_kind = 'domain' AND e.target_id = ?) OR (e.target_kind = 'project' AND e.target_id IN \
             (SELECT id FROM identity_projects WHERE ifnull(domain_id, '') = ?))",
            [domain.into(), domain.into()],
        ));
    }
    parts.into_iter().fold(Condition::all(), Condition::and)
}

fn place(wanted: &Wanted) -> Condition {
    match &wanted.holding {
        // Keystone lists effective roles on the system only to who asks for them by name, if at all.
        None if wanted.effective => Condition::new("e.target_kind <> 'system'", []),
        None => Condition::all(),
        Some(Holding::System) => Condition::new("e.target_kind = 'system'", []),
        Some(Holding::Project(id)) if wanted.subtree => Condition::new(
            "e.target_kind = 'project' AND e.target_id IN (WITH RECURSIVE tree (id) AS (
                 SELECT ? UNION SELECT p.id FROM tree t JOIN identity_projects p ON p.parent_id = t.id)
             SELECT id FROM tree)",
            [id.as_str().into()],
        ),
        Some(place) => Condition::new(
            "e.target_kind = ? AND e.target_id = ?",
            [place.kind().into(), place.id().unwrap_or_default().into()],
        ),
    }
}

fn map(row: &Row<'_>, names: bool) -> rusqlite::Result<Listed> {
    let holding = |kind: &str, id: &str| -> rusqlite::Result<Option<Holding>> {
        let (kind, id): (Option<String>, Option<String>) = (row.get(kind)?, row.get(id)?);
        Ok(match (kind.as_deref(), id) {
            (Some("project"), Some(id)) => Some(Holding::Project(id)),
            (Some("domain"), Some(id)) => Some(Holding::Domain(id)),
            _ => None,
        })
    };
    let user: Option<String> = row.get("user_id")?;
    let actor = match user {
        Some(user) => Actor::User(user),
        None => Actor::Group(row.get("group_id")?),
    };
    let place = holding("via_kind", "via_id")?;
    let assignment = Assignment {
        actor,
        role_id: row.get("role_id")?,
        holding: holding("target_kind", "target_id")?.unwrap_or(Holding::System),
        inherited: row.get("inherited")?,
    };
    let origin = Origin { group_id: row.get("via_group")?, place, prior_role_id: row.get("prior")? };
    let names = if names { Some(map_names(row, &assignment.holding)?) } else { None };
    Ok(Listed { assignment, origin, names })
}

fn map_names(row: &Row<'_>, holding: &Holding) -> rusqlite::Result<Names> {
    let naming = |name: &str, id: &str, domain: &str| -> rusqlite::Result<Naming> {
        let (id, domain): (Option<String>, Option<String>) = (row.get(id)?, row.get(domain)?);
        Ok(Naming { name: row.get(name)?, domain: id.zip(domain) })
    };
    let place = match holding {
        Holding::System => None,
        _ => Some(naming("place_name", "place_domain_id", "place_domain_name")?),
    };
    Ok(Names {
        actor: naming("actor_name", "actor_domain_id", "actor_domain_name")?,
        role: naming("role_name", "role_domain_id", "role_domain_name")?,
        place,
    })
}
