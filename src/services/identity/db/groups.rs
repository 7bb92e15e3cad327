//! Groups and who is in them.

use http_kit::{Condition, Paging};
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, projects, select, to_json, users};
use crate::domain::group::Group;
use crate::error;

const TABLE: Table = Table { name: "identity_groups", columns: "id, domain_id, name, description, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        id: row.get("id")?,
        domain_id: row.get("domain_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition, paging: Option<&Paging>) -> Result<Vec<Group>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The group `id`, if there is one.
pub(crate) fn find(db: &Connection, id: &str) -> Result<Option<Group>, Fault> {
    Ok(list(db, &Condition::is("id", id), None)?.pop())
}

/// The group `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Group, Fault> {
    find(db, id)?.ok_or_else(|| error::not_found("group", id))
}

fn name_taken(group: &Group) -> Fault {
    error::duplicate("group", &group.name, Some(&group.domain_id))
}

/// Adds `group`, whose domain must be there.
pub(crate) fn insert(db: &Connection, group: &Group) -> Result<(), Fault> {
    projects::get_domain(db, &group.domain_id)?;
    query::execute(
        db,
        "INSERT INTO identity_groups (id, domain_id, name, description, extra) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![group.id, group.domain_id, group.name, group.description, to_json(&group.extra)?],
    )
    .map_err(|error| on_unique(error, || name_taken(group)))?;
    Ok(())
}

/// Writes what may change of `group`.
pub(crate) fn update(db: &Connection, group: &Group) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_groups SET name = ?2, description = ?3, extra = ?4 WHERE id = ?1",
        params![group.id, group.name, group.description, to_json(&group.extra)?],
    )
    .map_err(|error| on_unique(error, || name_taken(group)))?;
    Ok(())
}

/// Takes a group away, and from its members what they held through it.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    if query::execute(db, "DELETE FROM identity_groups WHERE id = ?1", [id])? == 0 {
        return Err(error::not_found("group", id));
    }
    Ok(())
}

/// Holds for the groups that `user_id` is in.
pub(crate) fn of_user(user_id: &str) -> Condition {
    Condition::new("id IN (SELECT group_id FROM identity_group_members WHERE user_id = ?)", [user_id.into()])
}

/// Holds for the users that are in `group_id`.
pub(crate) fn members(group_id: &str) -> Condition {
    Condition::new("id IN (SELECT user_id FROM identity_group_members WHERE group_id = ?)", [group_id.into()])
}

/// Puts a user into a group; both must be there. Again is no error.
pub(crate) fn add_member(db: &Connection, group_id: &str, user_id: &str) -> Result<(), Fault> {
    get(db, group_id)?;
    users::get(db, user_id)?;
    let sql = "INSERT OR IGNORE INTO identity_group_members (group_id, user_id) VALUES (?1, ?2)";
    query::execute(db, sql, [group_id, user_id])?;
    Ok(())
}

/// 404 unless both are there and the one is in the other.
pub(crate) fn check_member(db: &Connection, group_id: &str, user_id: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM identity_group_members WHERE group_id = ?1 AND user_id = ?2";
    if query::exists(db, sql, [group_id, user_id])? {
        return Ok(());
    }
    get(db, group_id)?;
    users::get(db, user_id)?;
    Err(Fault::not_found(format!("User '{user_id}' not found in group '{group_id}'")))
}

/// Takes a user out of a group.
pub(crate) fn remove_member(db: &Connection, group_id: &str, user_id: &str) -> Result<(), Fault> {
    check_member(db, group_id, user_id)?;
    let sql = "DELETE FROM identity_group_members WHERE group_id = ?1 AND user_id = ?2";
    query::execute(db, sql, [group_id, user_id])?;
    Ok(())
}
