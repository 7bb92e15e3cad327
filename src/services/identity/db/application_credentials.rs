//! Application credentials, the hashes of their secrets, and their roles.

use http_kit::Condition;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, access_rules, on_unique, roles, select};
use crate::domain::application_credential::ApplicationCredential;
use crate::error;

const TABLE: Table = Table {
    name: "identity_application_credentials",
    columns: "id, user_id, project_id, name, description, expires_at, unrestricted",
};

fn map(row: &Row<'_>) -> rusqlite::Result<ApplicationCredential> {
    Ok(ApplicationCredential {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        project_id: row.get("project_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(from_micros),
        unrestricted: row.get("unrestricted")?,
        roles: Vec::new(),
        access_rules: Vec::new(),
    })
}

/// Those that `condition` holds for, with their roles and access rules.
pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<ApplicationCredential>, Fault> {
    let mut found = select(db, &TABLE, condition, None, map)?;
    for credential in &mut found {
        let own = Condition::new(
            "id IN (SELECT role_id FROM identity_application_credential_roles WHERE application_credential_id = ?)",
            [credential.id.as_str().into()],
        );
        credential.roles = roles::list(db, &own)?;
        credential.access_rules = access_rules::of(db, &credential.id)?;
    }
    Ok(found)
}

/// The application credential `id`, if there is one.
pub(crate) fn find(db: &Connection, id: &str) -> Result<Option<ApplicationCredential>, Fault> {
    Ok(list(db, &Condition::is("id", id))?.pop())
}

/// The application credential `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<ApplicationCredential, Fault> {
    find(db, id)?.ok_or_else(|| error::not_found("Application Credential", id))
}

/// The id of the one that `user_id` calls `name`.
pub(crate) fn named(db: &Connection, user_id: &str, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT id FROM identity_application_credentials WHERE user_id = ?1 AND name = ?2";
    Ok(query::opt(db, sql, [user_id, name], |row| row.get(0))?)
}

/// What a login needs of one.
pub(crate) struct Lock {
    pub(crate) user_id: String,
    pub(crate) project_id: String,
    pub(crate) secret_hash: String,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What a login needs of the application credential `id`.
pub(crate) fn lock(db: &Connection, id: &str) -> Result<Option<Lock>, Fault> {
    let sql = "SELECT user_id, project_id, secret_hash, expires_at FROM identity_application_credentials WHERE id = ?1";
    Ok(query::opt(db, sql, [id], |row| {
        Ok(Lock {
            user_id: row.get(0)?,
            project_id: row.get(1)?,
            secret_hash: row.get(2)?,
            expires_at: row.get::<_, Option<i64>>(3)?.map(from_micros),
        })
    })?)
}

/// What a token needs of one.
pub(crate) struct Handed {
    pub(crate) user_id: String,
    pub(crate) name: String,
    pub(crate) unrestricted: bool,
    pub(crate) role_ids: Vec<String>,
}

/// What the tokens of the application credential `id` need of it.
pub(crate) fn handed(db: &Connection, id: &str) -> Result<Handed, Fault> {
    let sql = "SELECT user_id, name, unrestricted FROM identity_application_credentials WHERE id = ?1";
    let row = query::opt(db, sql, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (user_id, name, unrestricted) = row.ok_or_else(|| error::not_found("Application Credential", id))?;
    let sql = "SELECT role_id FROM identity_application_credential_roles WHERE application_credential_id = ?1";
    let role_ids = query::all(db, sql, [id], |row| row.get(0))?;
    Ok(Handed { user_id, name, unrestricted, role_ids })
}

/// Adds `credential`, whose access rules must be there.
pub(crate) fn insert(db: &Connection, credential: &ApplicationCredential, secret_hash: &str) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_application_credentials (id, user_id, project_id, name, secret_hash, description,
                                                       expires_at, unrestricted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            credential.id,
            credential.user_id,
            credential.project_id,
            credential.name,
            secret_hash,
            credential.description,
            credential.expires_at.map(to_micros),
            credential.unrestricted,
        ],
    )
    .map_err(|error| on_unique(error, || error::duplicate("application_credential", &credential.name, None)))?;
    for role in &credential.roles {
        let sql = "INSERT INTO identity_application_credential_roles (application_credential_id, role_id)
                   VALUES (?1, ?2)";
        query::execute(db, sql, [&credential.id, &role.id])?;
    }
    for rule in &credential.access_rules {
        let sql = "INSERT OR IGNORE INTO identity_application_credential_access_rules
                       (application_credential_id, access_rule_id) VALUES (?1, ?2)";
        query::execute(db, sql, [&credential.id, &rule.id])?;
    }
    Ok(())
}

/// Takes one away.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_application_credentials WHERE id = ?1", [id])?;
    Ok(())
}

/// Takes those away that `user_id` made for `project_id`: the user has lost a role there.
pub(crate) fn delete_for_project(db: &Connection, user_id: &str, project_id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_application_credentials WHERE user_id = ?1 AND project_id = ?2";
    query::execute(db, sql, [user_id, project_id])?;
    Ok(())
}

/// Takes all of a user's away, with the access rules: the user was disabled.
pub(crate) fn delete_for_user(db: &Connection, user_id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM identity_application_credentials WHERE user_id = ?1", [user_id])?;
    query::execute(db, "DELETE FROM identity_access_rules WHERE user_id = ?1", [user_id])?;
    Ok(())
}
