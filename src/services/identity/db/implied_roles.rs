//! Which role implies which.

use kit::Fault;
use store::{Connection, params, query};

use super::{on_unique, roles};
use crate::domain::role::Role;
use crate::error;

/// The roles that `prior` implies by itself.
pub(crate) fn list(db: &Connection, prior: &str) -> Result<Vec<Role>, Fault> {
    Ok(query::all(
        db,
        "SELECT r.id, r.name, r.domain_id, r.description, r.options, r.extra
         FROM identity_implied_roles i JOIN identity_roles r ON r.id = i.implied_role_id
         WHERE i.prior_role_id = ?1 ORDER BY r.id",
        [prior],
        roles::map,
    )?)
}

/// `roles` and all that they imply, each once.
pub(crate) fn with_implied(db: &Connection, mut roles: Vec<Role>) -> Result<Vec<Role>, Fault> {
    let mut at = 0;
    while let Some(role) = roles.get(at) {
        for implied in list(db, &role.id.clone())? {
            if roles.iter().all(|role| role.id != implied.id) {
                roles.push(implied);
            }
        }
        at += 1;
    }
    Ok(roles)
}

/// All pairs of a role's id and the id of one that it implies by itself.
pub(crate) fn pairs(db: &Connection) -> Result<Vec<(String, String)>, Fault> {
    let sql = "SELECT prior_role_id, implied_role_id FROM identity_implied_roles ORDER BY 1, 2";
    Ok(query::all(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Whether `prior` implies `implied` by itself.
pub(crate) fn check(db: &Connection, prior: &str, implied: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM identity_implied_roles WHERE prior_role_id = ?1 AND implied_role_id = ?2";
    if query::exists(db, sql, [prior, implied])? {
        return Ok(());
    }
    Err(Fault::not_found(format!("{prior} does not imply {implied}.")))
}

/// Has `prior` imply `implied`. Circles are allowed, as in Keystone: whoever follows them takes each role once.
pub(crate) fn insert(db: &Connection, prior: &str, implied: &str) -> Result<(), Fault> {
    roles::get(db, prior)?.check_implies(&roles::get(db, implied)?)?;
    query::execute(
        db,
        "INSERT INTO identity_implied_roles (prior_role_id, implied_role_id) VALUES (?1, ?2)",
        params![prior, implied],
    )
    .map_err(|error| on_unique(error, || error::conflict("implied_role", "Duplicate entry")))?;
    Ok(())
}

/// Has `prior` no longer imply `implied`.
pub(crate) fn delete(db: &Connection, prior: &str, implied: &str) -> Result<(), Fault> {
    check(db, prior, implied)?;
    let sql = "DELETE FROM identity_implied_roles WHERE prior_role_id = ?1 AND implied_role_id = ?2";
    query::execute(db, sql, [prior, implied])?;
    Ok(())
}
