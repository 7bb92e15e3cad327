//! Tokens that were revoked one by one, until they would have expired anyway.

use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, Row, params, query, rusqlite};

use crate::domain::revocation::{Revocation, Revoked};

/// Revokes at `now` the token `audit_id`, which expires at `expires_at`.
pub(crate) fn insert(db: &Connection, audit_id: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT OR IGNORE INTO identity_revoked_tokens (audit_id, expires_at, revoked_at) VALUES (?1, ?2, ?3)",
        params![audit_id, to_micros(expires_at), to_micros(now)],
    )?;
    Ok(())
}

/// Everything that was revoked after `since`, the earliest first: single tokens, and all that a user, project or
/// domain had. New projects and domains are among them: no token of theirs is older than they are.
pub(crate) fn list(db: &Connection, since: Timestamp) -> Result<Vec<Revocation>, Fault> {
    Ok(query::all(
        db,
        "SELECT 'token' AS kind, audit_id AS id, revoked_at AS at FROM identity_revoked_tokens WHERE revoked_at > ?1
         UNION ALL SELECT 'user', id, tokens_valid_since FROM identity_users
         WHERE tokens_valid_since > max(?1, created_at)
         UNION ALL SELECT iif(is_domain, 'domain', 'project'), id, tokens_valid_since
         FROM identity_projects WHERE tokens_valid_since > ?1
         ORDER BY at, kind, id",
        params![to_micros(since)],
        map,
    )?)
}

fn map(row: &Row<'_>) -> rusqlite::Result<Revocation> {
    let (kind, id): (String, String) = (row.get("kind")?, row.get("id")?);
    let of = match kind.as_str() {
        "user" => Revoked::User(id),
        "project" => Revoked::Project(id),
        "domain" => Revoked::Domain(id),
        _ => Revoked::Token(id),
    };
    Ok(Revocation { of, at: from_micros(row.get("at")?) })
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
