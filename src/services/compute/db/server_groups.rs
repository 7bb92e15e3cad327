//! Server groups and who is in them. Members are servers that are not deleted.

use std::collections::BTreeMap;

use kit::Timestamp;
use kit::ids::{ProjectId, ServerId, UserId};
use kit::time::to_micros;
use rusqlite::{Connection, Row, params};
use store::query;

use super::{id, json, to_json};

/// A server group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The user who made it.
    pub user_id: UserId,
    /// `affinity`, `anti-affinity`, `soft-affinity` or `soft-anti-affinity`.
    pub policy: String,
    /// `max_server_per_host`.
    pub rules: BTreeMap<String, i64>,
    /// The servers in it.
    pub members: Vec<ServerId>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ServerGroup> {
    let members: Vec<String> = json(row, "members")?;
    Ok(ServerGroup {
        id: row.get("id")?,
        name: row.get("name")?,
        project_id: id(row, "project_id")?,
        user_id: id(row, "user_id")?,
        policy: row.get("policy")?,
        rules: json(row, "rules")?,
        members: members.into_iter().map(ServerId::from).collect(),
    })
}

/// Adds a group.
///
/// # Errors
/// What the store reports.
pub fn insert(db: &Connection, group: &ServerGroup, now: Timestamp) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_server_groups (id, name, project_id, user_id, policy, rules, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        group.id,
        group.name,
        group.project_id.as_str(),
        group.user_id.as_str(),
        group.policy,
        to_json(&group.rules)?,
        to_micros(now),
    ];
    query::execute(db, SQL, values)?;
    Ok(())
}

/// The group `id`.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, id: &str) -> Result<Option<ServerGroup>, store::Error> {
    const SQL: &str = "SELECT *, (SELECT json_group_array(instance_id) FROM compute_server_group_members
        WHERE group_id = id) AS members FROM compute_server_groups WHERE id = ?1";
    query::opt(db, SQL, params![id], from_row)
}

/// The groups of `project`, or of all projects, in the order in which they were made.
///
/// # Errors
/// What the store reports.
pub fn list(
    db: &Connection,
    project: Option<&ProjectId>,
    limit: i64,
    offset: i64,
) -> Result<Vec<ServerGroup>, store::Error> {
    const SQL: &str = "SELECT *, (SELECT json_group_array(instance_id) FROM compute_server_group_members
        WHERE group_id = id) AS members FROM compute_server_groups
        WHERE ?1 IS NULL OR project_id = ?1 ORDER BY number LIMIT ?2 OFFSET ?3";
    query::all(db, SQL, params![project.map(ProjectId::as_str), limit, offset], from_row)
}

/// How many groups `project` has.
///
/// # Errors
/// What the store reports.
pub fn count(db: &Connection, project: &ProjectId) -> Result<i64, store::Error> {
    const SQL: &str = "SELECT COUNT(*) FROM compute_server_groups WHERE project_id = ?1";
    query::one(db, SQL, params![project.as_str()], |row| row.get(0))
}

/// Deletes a group; says whether there was one.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, id: &str) -> Result<bool, store::Error> {
    Ok(query::execute(db, "DELETE FROM compute_server_groups WHERE id = ?1", params![id])? == 1)
}

/// Puts a server into a group.
///
/// # Errors
/// What the store reports.
pub fn insert_member(db: &Connection, group: &str, server: &ServerId) -> Result<(), store::Error> {
    const SQL: &str = "INSERT OR IGNORE INTO compute_server_group_members (group_id, instance_id) VALUES (?1, ?2)";
    query::execute(db, SQL, params![group, server.as_str()])?;
    Ok(())
}

/// How many servers are in a group.
///
/// # Errors
/// What the store reports.
pub fn count_members(db: &Connection, group: &str) -> Result<i64, store::Error> {
    const SQL: &str = "SELECT COUNT(*) FROM compute_server_group_members WHERE group_id = ?1";
    query::one(db, SQL, params![group], |row| row.get(0))
}

/// The groups that a server is in.
///
/// # Errors
/// What the store reports.
pub fn of_instance(db: &Connection, server: &ServerId) -> Result<Vec<String>, store::Error> {
    const SQL: &str = "SELECT group_id FROM compute_server_group_members WHERE instance_id = ?1";
    query::all(db, SQL, params![server.as_str()], |row| row.get(0))
}
