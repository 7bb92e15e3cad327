//! Security groups, with their rules.

use kit::Fault;
use kit::ids::{ProjectId, SecurityGroupId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, query, rusqlite};

use super::{Selection, id, json_ids, rules, standard, to_json};
use crate::domain::model::SecurityGroup;

const SELECT: &str = "SELECT t.* FROM network_security_groups t";

fn map(row: &Row<'_>) -> rusqlite::Result<SecurityGroup> {
    Ok(SecurityGroup {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        stateful: row.get("stateful")?,
        is_default: row.get("is_default")?,
        rules: Vec::new(),
        standard: standard(row)?,
    })
}

/// The groups of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<SecurityGroup>, Fault> {
    let groups = super::list(db, SELECT, selection, map)?;
    complete(db, groups)
}

fn complete(db: &Connection, mut groups: Vec<SecurityGroup>) -> Result<Vec<SecurityGroup>, Fault> {
    let mut all = rules::of_groups(db, &json_ids(groups.iter().map(|group| group.id.as_str())))?;
    for group in &mut groups {
        group.rules = all.remove(group.id.as_str()).unwrap_or_default();
    }
    Ok(groups)
}

/// The group `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &SecurityGroupId) -> Result<Option<SecurityGroup>, Fault> {
    let found = query::opt(db, "SELECT * FROM network_security_groups WHERE id = ?1", [id.as_str()], map)?;
    Ok(complete(db, found.into_iter().collect())?.pop())
}

/// The project's `default` group.
///
/// # Errors
/// The store's.
pub fn default_of(db: &Connection, project: &ProjectId) -> Result<Option<SecurityGroupId>, Fault> {
    let sql = "SELECT id FROM network_security_groups WHERE project_id = ?1 AND is_default = 1";
    Ok(query::opt(db, sql, [project.as_str()], |row| row.get::<_, String>(0))?.map(SecurityGroupId::from))
}

/// The groups that the ports of the condition `sql` refer to, and those that their rules refer to.
///
/// # Errors
/// The store's.
pub fn with_remotes(db: &Connection, ids: &[SecurityGroupId]) -> Result<Vec<SecurityGroup>, Fault> {
    let sql = "WITH named (id) AS (SELECT value FROM json_each(?1))
        SELECT * FROM network_security_groups WHERE id IN (SELECT id FROM named
         UNION SELECT remote_group_id FROM network_security_group_rules
          WHERE security_group_id IN (SELECT id FROM named) AND remote_group_id IS NOT NULL)
        ORDER BY id";
    let groups = query::all(db, sql, [json_ids(ids.iter().map(|id| id.as_str()))], map)?;
    complete(db, groups)
}

/// Stores a new group without rules, or all of a changed one.
///
/// # Errors
/// The store's; a unique rule for a second `default`.
pub fn put(db: &Connection, group: &SecurityGroup) -> Result<(), Fault> {
    let sql = "INSERT INTO network_security_groups
        (id, project_id, name, description, stateful, is_default, tags, revision_number, created_at, updated_at)
        VALUES (:id, :project_id, :name, :description, :stateful, :is_default, :tags, :revision_number, :created_at,
         :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
         stateful = excluded.stateful, tags = excluded.tags, revision_number = excluded.revision_number,
         updated_at = excluded.updated_at";
    let standard = &group.standard;
    query::execute(
        db,
        sql,
        named_params! {
            ":id": group.id.as_str(), ":project_id": group.project_id.as_str(), ":name": group.name,
            ":description": standard.description, ":stateful": group.stateful, ":is_default": group.is_default,
            ":tags": to_json(&standard.tags)?, ":revision_number": standard.revision_number,
            ":created_at": to_micros(standard.created_at), ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    Ok(())
}

/// Whether a port has the group.
///
/// # Errors
/// The store's.
pub fn is_used(db: &Connection, id: &SecurityGroupId) -> Result<bool, Fault> {
    Ok(query::exists(db, "SELECT 1 FROM network_port_groups WHERE security_group_id = ?1", [id.as_str()])?)
}

/// The groups with rules that refer to `id`.
///
/// # Errors
/// The store's.
pub fn referring_to(db: &Connection, id: &SecurityGroupId) -> Result<Vec<SecurityGroupId>, Fault> {
    let sql = "SELECT DISTINCT security_group_id FROM network_security_group_rules WHERE remote_group_id = ?1";
    Ok(query::all(db, sql, [id.as_str()], |row| row.get::<_, String>(0).map(SecurityGroupId::from))?)
}

/// Takes the group `id` away, with its rules and the rules that refer to it.
///
/// # Errors
/// The store's; a foreign key where a port has it.
pub fn delete(db: &Connection, id: &SecurityGroupId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_security_groups WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
