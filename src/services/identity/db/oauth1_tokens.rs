//! Request tokens and access tokens of OAuth 1.0a.

use http_kit::Condition;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, json, select, to_json};
use crate::domain::oauth1::{AccessToken, RequestToken};

const REQUEST_TOKENS: Table = Table {
    name: "identity_oauth1_request_tokens",
    columns: "id, consumer_id, project_id, verifier, user_id, role_ids, expires_at",
};

const ACCESS_TOKENS: Table = Table {
    name: "identity_oauth1_access_tokens",
    columns: "id, consumer_id, project_id, user_id, role_ids, expires_at",
};

fn end(row: &Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>("expires_at")?.map(from_micros))
}

fn request_token(row: &Row<'_>) -> rusqlite::Result<RequestToken> {
    let (user, verifier): (Option<String>, Option<String>) = (row.get("user_id")?, row.get("verifier")?);
    Ok(RequestToken {
        id: row.get("id")?,
        consumer_id: row.get("consumer_id")?,
        project_id: row.get("project_id")?,
        agreed: user.zip(verifier),
        role_ids: json(row, "role_ids")?,
        expires_at: end(row)?,
    })
}

fn access_token(row: &Row<'_>) -> rusqlite::Result<AccessToken> {
    Ok(AccessToken {
        id: row.get("id")?,
        consumer_id: row.get("consumer_id")?,
        project_id: row.get("project_id")?,
        user_id: row.get("user_id")?,
        role_ids: json(row, "role_ids")?,
        expires_at: end(row)?,
    })
}

/// The request token `id`.
pub(crate) fn get_request_token(db: &Connection, id: &str) -> Result<RequestToken, Fault> {
    let found = select(db, &REQUEST_TOKENS, &Condition::is("id", id), None, request_token)?.pop();
    found.ok_or_else(|| Fault::not_found("Request token not found"))
}

pub(crate) fn insert_request_token(db: &Connection, token: &RequestToken) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_oauth1_request_tokens (id, consumer_id, project_id, role_ids, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            token.id,
            token.consumer_id,
            token.project_id,
            to_json(&token.role_ids)?,
            token.expires_at.map(to_micros)
        ],
    )?;
    Ok(())
}

/// `user_id` lends `role_ids` to whoever has the request token and what `verifier` is a digest of.
pub(crate) fn agree(
    db: &Connection,
    id: &str,
    user_id: &str,
    role_ids: &[String],
    verifier: &str,
) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_oauth1_request_tokens SET user_id = ?2, role_ids = ?3, verifier = ?4 WHERE id = ?1",
        params![id, user_id, to_json(&role_ids)?, verifier],
    )?;
    Ok(())
}

/// The access token in the place of the request token `request_id`; 404 where that was used before.
pub(crate) fn redeem(db: &Connection, request_id: &str, token: &AccessToken) -> Result<(), Fault> {
    get_request_token(db, request_id)?;
    query::execute(db, "DELETE FROM identity_oauth1_request_tokens WHERE id = ?1", [request_id])?;
    query::execute(
        db,
        "INSERT INTO identity_oauth1_access_tokens (id, consumer_id, project_id, user_id, role_ids, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            token.id,
            token.consumer_id,
            token.project_id,
            token.user_id,
            to_json(&token.role_ids)?,
            token.expires_at.map(to_micros)
        ],
    )?;
    Ok(())
}

/// The access tokens of a user.
pub(crate) fn of_user(db: &Connection, user_id: &str) -> Result<Vec<AccessToken>, Fault> {
    select(db, &ACCESS_TOKENS, &Condition::is("user_id", user_id), None, access_token)
}

/// The access token `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<AccessToken, Fault> {
    let found = select(db, &ACCESS_TOKENS, &Condition::is("id", id), None, access_token)?.pop();
    found.ok_or_else(|| Fault::not_found("Access token not found"))
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_oauth1_access_tokens WHERE id = ?1", [id])?;
    Ok(())
}

/// Forgets at most `limit` access tokens that ended before `before`.
pub(crate) fn delete_expired_access(db: &Connection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    let sql = "DELETE FROM identity_oauth1_access_tokens WHERE id IN (
                   SELECT id FROM identity_oauth1_access_tokens WHERE expires_at < ?1 LIMIT ?2)";
    Ok(query::execute(db, sql, params![to_micros(before), i64::try_from(limit).unwrap_or(i64::MAX)])?)
}

/// Forgets request tokens that expired before `now`.
pub(crate) fn delete_expired(db: &Connection, now: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_oauth1_request_tokens WHERE expires_at < ?1";
    query::execute(db, sql, [to_micros(now)])?;
    Ok(())
}
