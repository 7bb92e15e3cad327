//! Tokens that were revoked one by one, until they would have expired anyway.

use kit::time::to_micros;
use kit::{Fault, Timestamp};
use store::{Connection, params, query};

/// Revokes the token `audit_id`, which expires at `expires_at`.
pub(crate) fn insert(db: &Connection, audit_id: &str, expires_at: Timestamp) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT OR IGNORE INTO identity_revoked_tokens (audit_id, expires_at) VALUES (?1, ?2)",
        params![audit_id, to_micros(expires_at)],
    )?;
    Ok(())
}

/// Whether the token `audit_id` was revoked.
pub(crate) fn exists(db: &Connection, audit_id: &str) -> Result<bool, Fault> {
    Ok(query::exists(db, "SELECT 1 FROM identity_revoked_tokens WHERE audit_id = ?1", [audit_id])?)
}

/// Forgets what expired before `now`.
pub(crate) fn delete_expired(db: &Connection, now: Timestamp) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_revoked_tokens WHERE expires_at < ?1", params![to_micros(now)])?;
    Ok(())
}
