//! Access rules of users, which their application credentials share.

use http_kit::Condition;
use kit::{AccessRule, Fault};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, select};
use crate::error;

const TABLE: Table = Table { name: "identity_access_rules", columns: "id, service, method, path" };

fn map(row: &Row<'_>) -> rusqlite::Result<AccessRule> {
    Ok(AccessRule {
        id: row.get("id")?,
        service: row.get("service")?,
        method: row.get("method")?,
        path: row.get("path")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<AccessRule>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// Those of the application credential `id`.
pub(crate) fn of(db: &Connection, id: &str) -> Result<Vec<AccessRule>, Fault> {
    Ok(query::all(
        db,
        "SELECT r.id, r.service, r.method, r.path
         FROM identity_application_credential_access_rules a JOIN identity_access_rules r ON r.id = a.access_rule_id
         WHERE a.application_credential_id = ?1 ORDER BY r.id",
        [id],
        map,
    )?)
}

/// The rule `id` of the user.
pub(crate) fn get(db: &Connection, user_id: &str, id: &str) -> Result<AccessRule, Fault> {
    let own = Condition::is("id", id).and(Condition::is("user_id", user_id));
    list(db, &own)?.pop().ok_or_else(|| error::not_found("Access Rule", id))
}

/// The user's rule that is as `rule`, which is added where there is none.
pub(crate) fn ensure(db: &Connection, user_id: &str, rule: AccessRule) -> Result<AccessRule, Fault> {
    let same = Condition::is("user_id", user_id)
        .and(Condition::is("service", rule.service.as_str()))
        .and(Condition::is("method", rule.method.as_str()))
        .and(Condition::is("path", rule.path.as_str()));
    if let Some(found) = list(db, &same)?.pop() {
        return Ok(found);
    }
    query::execute(
        db,
        "INSERT INTO identity_access_rules (id, user_id, service, method, path) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![rule.id, user_id, rule.service, rule.method, rule.path],
    )?;
    Ok(rule)
}

/// Takes the user's rule away, which no application credential may have.
pub(crate) fn delete(db: &Connection, user_id: &str, id: &str) -> Result<(), Fault> {
    get(db, user_id, id)?;
    let sql = "SELECT 1 FROM identity_application_credential_access_rules WHERE access_rule_id = ?1";
    if query::exists(db, sql, [id])? {
        return Err(Fault::forbidden("May not delete access rule in use"));
    }
    query::execute(db, "DELETE FROM identity_access_rules WHERE id = ?1", [id])?;
    Ok(())
}
