//! Users that identity providers brought: who they are there, their groups, and the roles that a mapping gives them.

use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, params, query};

use super::to_json;

/// Who a user is at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FederatedUser {
    pub(crate) idp_id: String,
    pub(crate) protocol_id: String,
    pub(crate) unique_id: String,
    pub(crate) user_id: String,
    pub(crate) display_name: Option<String>,
}

/// The user who is `unique_id` there, if it has come before.
pub(crate) fn find(
    db: &Connection,
    idp_id: &str,
    protocol_id: &str,
    unique_id: &str,
) -> Result<Option<FederatedUser>, Fault> {
    let sql = "SELECT user_id, display_name FROM identity_federated_users
               WHERE idp_id = ?1 AND protocol_id = ?2 AND unique_id = ?3";
    Ok(query::opt(db, sql, [idp_id, protocol_id, unique_id], |row| {
        Ok(FederatedUser {
            idp_id: idp_id.to_owned(),
            protocol_id: protocol_id.to_owned(),
            unique_id: unique_id.to_owned(),
            user_id: row.get(0)?,
            display_name: row.get(1)?,
        })
    })?)
}

/// Adds a user that has just been made for this, and goes with it.
pub(crate) fn insert(db: &Connection, user: &FederatedUser) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_federated_users (idp_id, protocol_id, unique_id, user_id, display_name, shadow)
         VALUES (?1, ?2, ?3, ?4, ?5, 1)",
        params![user.idp_id, user.protocol_id, user.unique_id, user.user_id, user.display_name],
    )?;
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
    let sql =
        "SELECT group_id FROM identity_federated_memberships WHERE user_id = ?1 AND idp_id = ?2 ORDER BY group_id";
    Ok(query::all(db, sql, [user_id, idp_id], |row| row.get(0))?)
}

/// The groups that identity providers said the user is in, as far as their word still counts at `now` beyond
/// that login's own tokens.
pub(crate) fn lasting_groups(db: &Connection, user_id: &str, now: Timestamp) -> Result<Vec<String>, Fault> {
    let sql = "SELECT DISTINCT m.group_id FROM identity_federated_memberships m
               JOIN identity_providers p ON p.id = m.idp_id
               WHERE m.user_id = ?1 AND p.enabled = 1
                 AND m.verified_at + ifnull(p.authorization_ttl, 0) * 60000000 > ?2
               ORDER BY m.group_id";
    Ok(query::all(db, sql, params![user_id, to_micros(now)], |row| row.get(0))?)
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
