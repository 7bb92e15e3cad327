//! Users' passwords: the present one, those before it, and failed logins. The columns are the users'.

use http_kit::{Condition, SqlValue};
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, params, query};

use crate::domain::password::{Failures, Password};
use crate::domain::user::User;
use crate::error;

/// The password of the user `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Password, Fault> {
    let sql = "SELECT password_hash, password_created_at, password_expires_at, password_self_service
               FROM identity_users WHERE id = ?1";
    let password = query::opt(db, sql, [id], |row| {
        Ok(Password {
            hash: row.get("password_hash")?,
            created_at: row.get::<_, Option<i64>>("password_created_at")?.map(from_micros),
            expires_at: row.get::<_, Option<i64>>("password_expires_at")?.map(from_micros),
            self_service: row.get("password_self_service")?,
        })
    })?;
    password.ok_or_else(|| error::not_found("user", id))
}

/// The hashes of the last `count` passwords of the user `id`, the present one first.
pub(crate) fn last_hashes(db: &Connection, id: &str, count: u32) -> Result<Vec<String>, Fault> {
    let mut hashes: Vec<String> = get(db, id)?.hash.into_iter().collect();
    let sql = "SELECT hash FROM identity_old_passwords WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2";
    hashes.extend(query::all(db, sql, params![id, i64::from(count)], |row| row.get::<_, String>(0))?);
    hashes.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(hashes)
}

/// Gives the user `id` a password; of those before it, as many are kept as make up `history` with the new one.
pub(crate) fn set(db: &Connection, id: &str, password: &Password, history: u32) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_old_passwords (user_id, hash)
         SELECT id, password_hash FROM identity_users WHERE id = ?1 AND password_hash IS NOT NULL AND ?2 > 1",
        params![id, i64::from(history)],
    )?;
    query::execute(
        db,
        "DELETE FROM identity_old_passwords WHERE user_id = ?1 AND id NOT IN
         (SELECT id FROM identity_old_passwords WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)",
        params![id, i64::from(history.saturating_sub(1))],
    )?;
    query::execute(
        db,
        "UPDATE identity_users SET password_hash = ?2, password_created_at = ?3, password_expires_at = ?4,
                                   password_self_service = ?5 WHERE id = ?1",
        params![
            id,
            password.hash,
            password.created_at.map(to_micros),
            password.expires_at.map(to_micros),
            password.self_service,
        ],
    )?;
    Ok(())
}

/// Replaces the hash `old` of the user `id` by another of the same password, unless it has been changed meanwhile.
pub(crate) fn rehash(db: &Connection, id: &str, old: &str, new: &str) -> Result<(), Fault> {
    let sql = "UPDATE identity_users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
    query::execute(db, sql, [id, old, new])?;
    Ok(())
}

/// The failed logins of the user `id`.
pub(crate) fn failures(db: &Connection, id: &str) -> Result<Failures, Fault> {
    let sql = "SELECT failed_logins, last_failed_login_at FROM identity_users WHERE id = ?1";
    let failures = query::opt(db, sql, [id], |row| {
        Ok(Failures { count: row.get(0)?, last: row.get::<_, Option<i64>>(1)?.map(from_micros) })
    })?;
    Ok(failures.unwrap_or_default())
}

/// Notes the failed logins of the user `id`.
pub(crate) fn set_failures(db: &Connection, id: &str, failures: Failures) -> Result<(), Fault> {
    let sql = "UPDATE identity_users SET failed_logins = ?2, last_failed_login_at = ?3 WHERE id = ?1";
    query::execute(db, sql, params![id, i64::from(failures.count), failures.last.map(to_micros)])?;
    Ok(())
}

/// Notes that the user `id` was active on `day`.
pub(crate) fn set_last_active(db: &Connection, id: &str, day: Timestamp) -> Result<(), Fault> {
    query::execute(db, "UPDATE identity_users SET last_active_at = ?2 WHERE id = ?1", params![id, to_micros(day)])?;
    Ok(())
}

/// Who is enabled and was last active, or made, before `day`, unless that is to be ignored.
pub(crate) fn inactive(db: &Connection, day: Timestamp) -> Result<Vec<User>, Fault> {
    let sql = "enabled = 1 AND ifnull(last_active_at, created_at) < ?
               AND json_extract(options, '$.ignore_user_inactivity') IS NOT 1";
    super::users::list(db, &Condition::new(sql, [SqlValue::Integer(to_micros(day))]), None)
}
