//! Users that identity providers brought: who they are there, their groups, and the roles that a mapping gives them.

use kit::time::{from_micros, to_micros};
use kit::{Fault, FaultKind, Timestamp};
use store::{Connection, params, query};

use super::{on_unique, to_json};
use crate::domain::user::{Account, User};
use crate::error;

/// Who a user is at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FederatedUser {
    pub(crate) idp_id: String,
    pub(crate) protocol_id: String,
    pub(crate) unique_id: String,
    pub(crate) user_id: String,
    pub(crate) display_name: Option<String>,
    /// Whether the user was made by a login.
    pub(crate) shadow: bool,
}

/// The user who is `unique_id` there, if it has come before.
pub(crate) fn find(
    db: &Connection,
    idp_id: &str,
    protocol_id: &str,
    unique_id: &str,
) -> Result<Option<FederatedUser>, Fault> {
    let sql = "SELECT user_id, display_name, shadow FROM identity_federated_users
               WHERE idp_id = ?1 AND protocol_id = ?2 AND unique_id = ?3";
    Ok(query::opt(db, sql, [idp_id, protocol_id, unique_id], |row| {
        Ok(FederatedUser {
            idp_id: idp_id.to_owned(),
            protocol_id: protocol_id.to_owned(),
            unique_id: unique_id.to_owned(),
            user_id: row.get(0)?,
            display_name: row.get(1)?,
            shadow: row.get(2)?,
        })
    })?)
}

/// Adds who a user is there.
pub(crate) fn insert(db: &Connection, user: &FederatedUser) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_federated_users (idp_id, protocol_id, unique_id, user_id, display_name, shadow)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![user.idp_id, user.protocol_id, user.unique_id, user.user_id, user.display_name, user.shadow],
    )?;
    Ok(())
}

/// Who the user `user_id` is at identity providers.
pub(crate) fn of_user(db: &Connection, user_id: &str) -> Result<Vec<Account>, Fault> {
    let sql = "SELECT idp_id, protocol_id, unique_id FROM identity_federated_users WHERE user_id = ?1
               ORDER BY idp_id, protocol_id, unique_id";
    Ok(query::all(db, sql, [user_id], |row| {
        Ok(Account { idp_id: row.get(0)?, protocol_id: row.get(1)?, unique_id: row.get(2)? })
    })?)
}

/// The user is `accounts` at identity providers, which must be there, and no others.
pub(crate) fn replace(db: &Connection, user: &User, accounts: &[Account]) -> Result<(), Fault> {
    let was_brought = "SELECT 1 FROM identity_federated_users WHERE user_id = ?1 AND shadow = 1";
    let was_brought = query::exists(db, was_brought, [&user.id])?;
    // A user whom a provider brought goes with its last account; not here, where it gets others.
    query::execute(db, "UPDATE identity_federated_users SET shadow = 0 WHERE user_id = ?1", [&user.id])?;
    query::execute(db, "DELETE FROM identity_federated_users WHERE user_id = ?1", [&user.id])?;
    for Account { idp_id, protocol_id, unique_id } in accounts {
        check_protocol(db, idp_id, protocol_id)?;
        query::execute(
            db,
            "INSERT INTO identity_federated_users (idp_id, protocol_id, unique_id, user_id, display_name, shadow)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![idp_id, protocol_id, unique_id, user.id, user.name, was_brought],
        )
        .map_err(|error| on_unique(error, || error::conflict("federated_user", "Duplicate entry")))?;
    }
    Ok(())
}

/// What Keystone says of a provider or protocol that is not there is a 400.
fn check_protocol(db: &Connection, idp_id: &str, protocol_id: &str) -> Result<(), Fault> {
    let missing = |text: String| {
        move |fault: Fault| if fault.kind() == FaultKind::NotFound { Fault::bad_request(text) } else { fault }
    };
    super::identity_providers::get(db, idp_id)
        .map_err(missing(format!("Could not find Identity Provider: {idp_id}")))?;
    super::protocols::get(db, idp_id, protocol_id).map_err(missing(format!(
        "Could not find federated protocol {protocol_id} for Identity Provider: {idp_id}."
    )))?;
    Ok(())
}

/// The user's name there has become `display_name`.
pub(crate) fn rename(db: &Connection, user: &FederatedUser, display_name: &str) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_federated_users SET display_name = ?4
         WHERE idp_id = ?1 AND protocol_id = ?2 AND unique_id = ?3",
        [user.idp_id.as_str(), &user.protocol_id, &user.unique_id, display_name],
    )?;
    Ok(())
}

/// The groups that `idp_id` said at the last login that the user is in.
pub(crate) fn groups(db: &Connection, user_id: &str, idp_id: &str) -> Result<Vec<String>, Fault> {
    // A group can be gone meanwhile.
    let sql = "SELECT m.group_id FROM identity_federated_memberships m JOIN identity_groups g ON g.id = m.group_id
               WHERE m.user_id = ?1 AND m.idp_id = ?2 ORDER BY m.group_id";
    Ok(query::all(db, sql, [user_id, idp_id], |row| row.get(0))?)
}

/// The user is in `groups`, and in no others, as `idp_id` says at `now`.
pub(crate) fn set_groups(
    db: &Connection,
    user_id: &str,
    idp_id: &str,
    groups: &[String],
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_federated_memberships WHERE user_id = ?1 AND idp_id = ?2";
    query::execute(db, sql, [user_id, idp_id])?;
    for group in groups {
        query::execute(
            db,
            "INSERT INTO identity_federated_memberships (user_id, group_id, idp_id, verified_at)
             VALUES (?1, ?2, ?3, ?4)",
            params![user_id, group, idp_id, to_micros(now)],
        )?;
    }
    Ok(())
}

/// When a group of the user was last verified by `idp_id`.
pub(crate) fn verified_at(db: &Connection, user_id: &str, idp_id: &str) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT max(verified_at) FROM identity_federated_memberships WHERE user_id = ?1 AND idp_id = ?2";
    let micros: Option<Option<i64>> = query::opt(db, sql, [user_id, idp_id], |row| row.get(0))?;
    Ok(micros.flatten().map(from_micros))
}

/// Takes the user's roles on projects away but those `kept`: projects and roles.
pub(crate) fn retain_project_roles(db: &Connection, user_id: &str, kept: &[(String, String)]) -> Result<(), Fault> {
    query::execute(
        db,
        "DELETE FROM identity_assignments
         WHERE user_id = ?1 AND target_kind = 'project'
           AND NOT EXISTS (SELECT 1 FROM json_each(?2) k WHERE k.value ->> 0 = target_id AND k.value ->> 1 = role_id)",
        params![user_id, to_json(&kept)?],
    )?;
    Ok(())
}
