//! Security group rules.

use std::collections::HashMap;

use kit::Fault;
use kit::ids::{SecurityGroupId, SecurityGroupRuleId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, params, query, rusqlite};

use super::{Selection, gather, id, time_at};
use crate::domain::model::Rule;

const SELECT: &str = "SELECT t.*, g.is_default FROM network_security_group_rules t
    JOIN network_security_groups g ON g.id = t.security_group_id";

fn map(row: &Row<'_>) -> rusqlite::Result<Rule> {
    Ok(Rule {
        number: row.get("number")?,
        id: id(row, "id")?,
        security_group_id: id(row, "security_group_id")?,
        project_id: id(row, "project_id")?,
        direction: row.get("direction")?,
        ethertype: row.get("ethertype")?,
        protocol: row.get("protocol")?,
        port_range_min: row.get("port_range_min")?,
        port_range_max: row.get("port_range_max")?,
        remote_ip_prefix: row.get("remote_ip_prefix")?,
        remote_group_id: row.get::<_, Option<String>>("remote_group_id")?.map(SecurityGroupId::from),
        description: row.get("description")?,
        in_default_group: row.get("is_default")?,
        revision_number: row.get("revision_number")?,
        created_at: time_at(row, "created_at")?,
        updated_at: time_at(row, "updated_at")?,
    })
}

/// The rules of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Rule>, Fault> {
    Ok(super::list(db, SELECT, selection, map)?)
}

/// The rule `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &SecurityGroupRuleId) -> Result<Option<Rule>, Fault> {
    let sql = "SELECT t.*, g.is_default FROM network_security_group_rules t
        JOIN network_security_groups g ON g.id = t.security_group_id WHERE t.id = ?1";
    Ok(query::opt(db, sql, [id.as_str()], map)?)
}

/// The rules of the groups whose ids are in the JSON list `groups`, by group, oldest first.
///
/// # Errors
/// The store's.
pub fn of_groups(db: &Connection, groups: &str) -> Result<HashMap<String, Vec<Rule>>, Fault> {
    let sql = "SELECT t.security_group_id AS owner, t.*, g.is_default FROM json_each(?1) o
        JOIN network_security_group_rules t ON t.security_group_id = o.value
        JOIN network_security_groups g ON g.id = t.security_group_id ORDER BY t.security_group_id, t.number";
    Ok(gather(db, sql, groups, map)?)
}

/// A rule of the same group that lets the same through.
///
/// # Errors
/// The store's.
pub fn same_as(db: &Connection, rule: &Rule) -> Result<Option<SecurityGroupRuleId>, Fault> {
    let sql = "SELECT id FROM network_security_group_rules WHERE security_group_id = ?1 AND direction = ?2
        AND ethertype = ?3 AND protocol IS ?4 AND port_range_min IS ?5 AND port_range_max IS ?6
        AND remote_ip_prefix IS ?7 AND remote_group_id IS ?8 LIMIT 1";
    let found = query::opt(
        db,
        sql,
        params![
            rule.security_group_id.as_str(),
            rule.direction,
            rule.ethertype,
            rule.protocol,
            rule.port_range_min,
            rule.port_range_max,
            rule.remote_ip_prefix,
            rule.remote_group_id.as_ref().map(|group| group.as_str()),
        ],
        |row| row.get::<_, String>(0),
    )?;
    Ok(found.map(SecurityGroupRuleId::from))
}

/// Stores a new rule; answers its number.
///
/// # Errors
/// The store's; a foreign key where a group does not exist.
pub fn insert(db: &Connection, rule: &Rule) -> Result<i64, Fault> {
    let sql = "INSERT INTO network_security_group_rules
        (id, security_group_id, project_id, direction, ethertype, protocol, port_range_min, port_range_max,
         remote_ip_prefix, remote_group_id, description, revision_number, created_at, updated_at)
        VALUES (:id, :security_group_id, :project_id, :direction, :ethertype, :protocol, :port_range_min,
         :port_range_max, :remote_ip_prefix, :remote_group_id, :description, :revision_number, :created_at, :updated_at)";
    query::execute(
        db,
        sql,
        named_params! {
            ":id": rule.id.as_str(), ":security_group_id": rule.security_group_id.as_str(),
            ":project_id": rule.project_id.as_str(), ":direction": rule.direction, ":ethertype": rule.ethertype,
            ":protocol": rule.protocol, ":port_range_min": rule.port_range_min, ":port_range_max": rule.port_range_max,
            ":remote_ip_prefix": rule.remote_ip_prefix,
            ":remote_group_id": rule.remote_group_id.as_ref().map(|group| group.as_str()),
            ":description": rule.description, ":revision_number": rule.revision_number,
            ":created_at": to_micros(rule.created_at), ":updated_at": to_micros(rule.updated_at),
        },
    )?;
    Ok(db.last_insert_rowid())
}

/// Takes the rule `id` away.
///
/// # Errors
/// The store's.
pub fn delete(db: &Connection, id: &SecurityGroupRuleId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_security_group_rules WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
