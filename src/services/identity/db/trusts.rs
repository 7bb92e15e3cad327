//! Trusts and their roles.

use http_kit::Condition;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, select, to_json};
use crate::domain::trust::Trust;
use crate::error;

const TABLE: Table = Table {
    name: "identity_trusts",
    columns: "id, trustor_user_id, trustee_user_id, project_id, impersonation, expires_at, remaining_uses, \
              redelegation_count, redelegated_trust_id, extra",
};

fn map(row: &Row<'_>) -> rusqlite::Result<Trust> {
    Ok(Trust {
        id: row.get("id")?,
        trustor_user_id: row.get("trustor_user_id")?,
        trustee_user_id: row.get("trustee_user_id")?,
        project_id: row.get("project_id")?,
        impersonation: row.get("impersonation")?,
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(from_micros),
        remaining_uses: row.get("remaining_uses")?,
        redelegation_count: row.get("redelegation_count")?,
        redelegated_trust_id: row.get("redelegated_trust_id")?,
        role_ids: Vec::new(),
        extra: object(row, "extra")?,
    })
}

/// Those that `condition` holds for, without their roles.
pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Trust>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The trust `id`, with its roles.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Trust, Fault> {
    let mut trust = list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("trust", id))?;
    let sql = "SELECT role_id FROM identity_trust_roles WHERE trust_id = ?1 ORDER BY role_id";
    trust.role_ids = query::all(db, sql, [id], |row| row.get(0))?;
    Ok(trust)
}

/// The trust `id`, what it was made from, and so on to the first.
pub(crate) fn pedigree(db: &Connection, id: &str) -> Result<Vec<Trust>, Fault> {
    let mut pedigree = Vec::new();
    let mut next = Some(id.to_owned());
    while let Some(id) = next {
        let trust = get(db, &id)?;
        next = trust.redelegated_trust_id.clone();
        pedigree.push(trust);
    }
    Ok(pedigree)
}

/// Adds `trust`, whose users, roles, project and origin must be there.
pub(crate) fn insert(db: &Connection, trust: &Trust) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_trusts (id, trustor_user_id, trustee_user_id, project_id, impersonation, expires_at,
                                      remaining_uses, redelegation_count, redelegated_trust_id, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            trust.id,
            trust.trustor_user_id,
            trust.trustee_user_id,
            trust.project_id,
            trust.impersonation,
            trust.expires_at.map(to_micros),
            trust.remaining_uses,
            trust.redelegation_count,
            trust.redelegated_trust_id,
            to_json(&trust.extra)?,
        ],
    )?;
    for role_id in &trust.role_ids {
        let sql = "INSERT OR IGNORE INTO identity_trust_roles (trust_id, role_id) VALUES (?1, ?2)";
        query::execute(db, sql, [&trust.id, role_id])?;
    }
    Ok(())
}

/// Uses it once, where uses are counted.
///
/// # Errors
/// 403 where none is left: another was faster.
pub(crate) fn consume(db: &Connection, id: &str) -> Result<(), Fault> {
    let sql = "UPDATE identity_trusts SET remaining_uses = remaining_uses - 1
               WHERE id = ?1 AND (remaining_uses IS NULL OR remaining_uses > 0)";
    match query::execute(db, sql, [id])? {
        0 => Err(Fault::forbidden(format!("No remaining uses for trust: {id}."))),
        _ => Ok(()),
    }
}

/// Takes at most `limit` of them away that expired before `before`, with all that were made from them.
pub(crate) fn delete_expired(db: &Connection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    let sql = "DELETE FROM identity_trusts WHERE id IN (SELECT id FROM identity_trusts WHERE expires_at < ?1 LIMIT ?2)";
    Ok(query::execute(db, sql, params![to_micros(before), i64::try_from(limit).unwrap_or(i64::MAX)])?)
}

/// Takes it away, with all that were made from it.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_trusts WHERE id = ?1", [id])?;
    Ok(())
}
