//! Console tokens that are still good, by their digest.

use kit::Timestamp;
use kit::ids::ServerId;
use kit::time::to_micros;
use rusqlite::{Connection, params};
use store::query;

use super::id;

/// Keeps a token until `expires_at`, and forgets those that have expired by `now`.
///
/// # Errors
/// What the store reports.
pub fn insert(
    db: &Connection,
    digest: &str,
    server_id: &ServerId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_console_tokens WHERE expires_at < ?1", params![to_micros(now)])?;
    const SQL: &str = "INSERT INTO compute_console_tokens (digest, instance_id, expires_at) VALUES (?1, ?2, ?3)";
    query::execute(db, SQL, params![digest, server_id.as_str(), to_micros(expires_at)])?;
    Ok(())
}

/// The server that a token opens at `now`.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, digest: &str, now: Timestamp) -> Result<Option<ServerId>, store::Error> {
    const SQL: &str = "SELECT instance_id FROM compute_console_tokens WHERE digest = ?1 AND expires_at >= ?2";
    query::opt(db, SQL, params![digest, to_micros(now)], |row| id(row, "instance_id"))
}
