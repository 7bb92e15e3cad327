//! Quotas: what projects may have, and what they have.

use kit::Fault;
use kit::ids::ProjectId;
use store::{Connection, params, query};

use crate::domain::faults;

/// A resource that quotas count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Its name in bodies and texts.
    pub name: &'static str,
    /// What a project may have unless told otherwise; −1 is no limit.
    pub default: i64,
    /// Counts what a project has, where cloudbox has such things.
    count: Option<&'static str>,
}

/// All resources, with the limits that the reference has.
pub static QUOTAS: &[Quota] = &[
    Quota { name: "network", default: 500, count: Some("SELECT count(*) FROM network_networks WHERE project_id = ?1") },
    Quota { name: "subnet", default: 500, count: Some("SELECT count(*) FROM network_subnets WHERE project_id = ?1") },
    Quota { name: "subnetpool", default: -1, count: None },
    Quota { name: "port", default: 500, count: Some("SELECT count(*) FROM network_ports WHERE project_id = ?1") },
    Quota { name: "router_route", default: 30, count: None },
    Quota { name: "router", default: 500, count: Some("SELECT count(*) FROM network_routers WHERE project_id = ?1") },
    Quota {
        name: "floatingip",
        default: 500,
        count: Some("SELECT count(*) FROM network_floatingips WHERE project_id = ?1"),
    },
    Quota { name: "rbac_policy", default: 10, count: None },
    Quota {
        name: "security_group",
        default: 500,
        count: Some("SELECT count(*) FROM network_security_groups WHERE project_id = ?1"),
    },
    Quota {
        name: "security_group_rule",
        default: 2000,
        count: Some("SELECT count(*) FROM network_security_group_rules WHERE project_id = ?1"),
    },
    Quota { name: "trunk", default: -1, count: None },
];

/// The limit of each resource for `project`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, project: &ProjectId) -> Result<Vec<(&'static Quota, i64)>, Fault> {
    let sql = "SELECT resource, value FROM network_quotas WHERE project_id = ?1";
    let own = query::all(db, sql, [project.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let limit =
        |quota: &Quota| own.iter().find(|(name, _)| name == quota.name).map_or(quota.default, |(_, value)| *value);
    Ok(QUOTAS.iter().map(|quota| (quota, limit(quota))).collect())
}

/// The projects that have limits of their own.
///
/// # Errors
/// The store's.
pub fn projects(db: &Connection) -> Result<Vec<ProjectId>, Fault> {
    let sql = "SELECT DISTINCT project_id FROM network_quotas ORDER BY project_id";
    Ok(query::all(db, sql, [], |row| row.get::<_, String>(0).map(ProjectId::from))?)
}

/// Sets a limit.
///
/// # Errors
/// The store's.
pub fn set(db: &Connection, project: &ProjectId, quota: &Quota, value: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO network_quotas (project_id, resource, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (project_id, resource) DO UPDATE SET value = excluded.value";
    query::execute(db, sql, params![project.as_str(), quota.name, value])?;
    Ok(())
}

/// Takes a project's own limits away; whether it had any.
///
/// # Errors
/// The store's.
pub fn delete(db: &Connection, project: &ProjectId) -> Result<bool, Fault> {
    Ok(query::execute(db, "DELETE FROM network_quotas WHERE project_id = ?1", [project.as_str()])? > 0)
}

/// How much of `quota` a project uses.
///
/// # Errors
/// The store's.
pub fn used(db: &Connection, project: &ProjectId, quota: &Quota) -> Result<i64, Fault> {
    match quota.count {
        Some(sql) => Ok(query::one(db, sql, [project.as_str()], |row| row.get(0))?),
        None => Ok(0),
    }
}

/// Refuses what would go over the project's quota of `name` with `more`. In the transaction that then adds
/// them, so that racing requests never overshoot.
///
/// # Errors
/// `OverQuota`; the store's.
pub fn reserve(db: &Connection, project: &ProjectId, name: &str, more: i64) -> Result<(), Fault> {
    let Some(quota) = QUOTAS.iter().find(|quota| quota.name == name) else { return Ok(()) };
    let sql = "SELECT value FROM network_quotas WHERE project_id = ?1 AND resource = ?2";
    let own = query::opt(db, sql, params![project.as_str(), name], |row| row.get(0))?;
    let limit: i64 = own.unwrap_or(quota.default);
    if limit >= 0 && used(db, project, quota)?.saturating_add(more) > limit {
        return Err(faults::over_quota(name));
    }
    Ok(())
}
