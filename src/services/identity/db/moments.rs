//! The last moment that a token was issued or revoked at.

use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, params, query};

/// The latest moment that the database knows of.
pub(crate) fn latest(db: &Connection) -> Result<Timestamp, Fault> {
    let sql = "SELECT max(ifnull((SELECT max(latest) FROM identity_moments), 0),
                          ifnull((SELECT max(tokens_valid_since) FROM identity_users), 0),
                          ifnull((SELECT max(tokens_valid_since) FROM identity_projects), 0))";
    Ok(from_micros(query::one(db, sql, [], |row| row.get(0))?))
}

/// Notes that `moment` has passed.
pub(crate) fn set(db: &Connection, moment: Timestamp) -> Result<(), Fault> {
    let micros = to_micros(moment);
    if query::execute(db, "UPDATE identity_moments SET latest = max(latest, ?1)", params![micros])? == 0 {
        query::execute(db, "INSERT INTO identity_moments (latest) VALUES (?1)", params![micros])?;
    }
    Ok(())
}
