//! Users; their passwords are in [`passwords`](super::passwords).

use http_kit::{Condition, Paging};
use kit::Fault;
use kit::time::{from_micros, to_micros};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, select, to_json};
use crate::domain::user::User;
use crate::error;

const TABLE: Table = Table {
    name: "identity_users",
    columns: "id, domain_id, name, enabled, default_project_id, options, extra, tokens_valid_since, created_at, \
              last_active_at, password_expires_at",
};

fn map(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        domain_id: row.get("domain_id")?,
        name: row.get("name")?,
        enabled: row.get("enabled")?,
        default_project_id: row.get("default_project_id")?,
        options: object(row, "options")?,
        extra: object(row, "extra")?,
        tokens_valid_since: from_micros(row.get("tokens_valid_since")?),
        created_at: from_micros(row.get("created_at")?),
        last_active_at: row.get::<_, Option<i64>>("last_active_at")?.map(from_micros),
        password_expires_at: row.get::<_, Option<i64>>("password_expires_at")?.map(from_micros),
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition, paging: Option<&Paging>) -> Result<Vec<User>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The user `id`, if there is one.
pub(crate) fn find(db: &Connection, id: &str) -> Result<Option<User>, Fault> {
    Ok(list(db, &Condition::is("id", id), None)?.pop())
}

/// The user `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<User, Fault> {
    find(db, id)?.ok_or_else(|| error::not_found("user", id))
}

/// The user called `name` in the domain `domain_id`.
pub(crate) fn named(db: &Connection, name: &str, domain_id: &str) -> Result<Option<User>, Fault> {
    let condition = Condition::is("name", name).and(Condition::is("domain_id", domain_id));
    Ok(list(db, &condition, None)?.pop())
}

/// Adds `user`, whose domain must be there, without a password.
pub(crate) fn insert(db: &Connection, user: &User) -> Result<(), Fault> {
    super::projects::get_domain(db, &user.domain_id)?;
    check_default_project(db, user)?;
    query::execute(
        db,
        "INSERT INTO identity_users (id, domain_id, name, enabled, default_project_id, options, extra,
                                     tokens_valid_since, created_at, last_active_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            user.id,
            user.domain_id,
            user.name,
            user.enabled,
            user.default_project_id,
            to_json(&user.options)?,
            to_json(&user.extra)?,
            to_micros(user.tokens_valid_since),
            to_micros(user.created_at),
            user.last_active_at.map(to_micros),
        ],
    )
    .map_err(|error| on_unique(error, || error::duplicate("user", &user.name, Some(&user.domain_id))))?;
    Ok(())
}

/// Writes what may change of `user`.
pub(crate) fn update(db: &Connection, user: &User) -> Result<(), Fault> {
    check_default_project(db, user)?;
    query::execute(
        db,
        "UPDATE identity_users
         SET name = ?2, enabled = ?3, default_project_id = ?4, options = ?5, extra = ?6, tokens_valid_since = ?7
         WHERE id = ?1",
        params![
            user.id,
            user.name,
            user.enabled,
            user.default_project_id,
            to_json(&user.options)?,
            to_json(&user.extra)?,
            to_micros(user.tokens_valid_since),
        ],
    )
    .map_err(|error| on_unique(error, || error::duplicate("user", &user.name, Some(&user.domain_id))))?;
    if !user.enabled {
        super::application_credentials::delete_for_user(db, &user.id)?;
    }
    Ok(())
}

fn check_default_project(db: &Connection, user: &User) -> Result<(), Fault> {
    let Some(id) = &user.default_project_id else { return Ok(()) };
    let sql = "SELECT 1 FROM identity_projects WHERE id = ?1 AND is_domain = 1";
    if query::exists(db, sql, [id])? {
        return Err(Fault::bad_request(format!("User's default project ID cannot be a domain ID: {id}")));
    }
    Ok(())
}

/// Takes a user away with what was granted to it.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    if query::execute(db, "DELETE FROM identity_users WHERE id = ?1", [id])? == 0 {
        return Err(error::not_found("user", id));
    }
    Ok(())
}
