//! Users' SSH keys.

use http_kit::{Condition, Paging};
use kit::Timestamp;
use kit::ids::UserId;
use kit::time::to_micros;
use rusqlite::{Connection, Row, params};
use store::query;

use super::{id, time};

/// A user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keypair {
    /// Its number; 0 before it is inserted.
    pub id: i64,
    /// Whose it is.
    pub user_id: UserId,
    /// Its name, unique for its user.
    pub name: String,
    /// `ssh` or `x509`.
    pub key_type: String,
    /// The public half.
    pub public_key: String,
    /// Of the public half.
    pub fingerprint: String,
    /// When it was made or brought.
    pub created_at: Timestamp,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Keypair> {
    Ok(Keypair {
        id: row.get("id")?,
        user_id: id(row, "user_id")?,
        name: row.get("name")?,
        key_type: row.get("key_type")?,
        public_key: row.get("public_key")?,
        fingerprint: row.get("fingerprint")?,
        created_at: time(row, "created_at")?,
    })
}

/// Adds a key.
///
/// # Errors
/// What the store reports; a unique rule where the user has one of that name.
pub fn insert(db: &Connection, key: &Keypair) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_keypairs (user_id, name, key_type, public_key, fingerprint, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        key.user_id.as_str(),
        key.name,
        key.key_type,
        key.public_key,
        key.fingerprint,
        to_micros(key.created_at)
    ];
    query::execute(db, SQL, values)?;
    Ok(())
}

/// How many keys a user has.
///
/// # Errors
/// What the store reports.
pub fn count(db: &Connection, user: &UserId) -> Result<i64, store::Error> {
    const SQL: &str = "SELECT COUNT(*) FROM compute_keypairs WHERE user_id = ?1";
    query::one(db, SQL, params![user.as_str()], |row| row.get(0))
}

/// A user's key by name.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, user: &UserId, name: &str) -> Result<Option<Keypair>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_keypairs WHERE user_id = ?1 AND name = ?2";
    query::opt(db, SQL, params![user.as_str(), name], from_row)
}

/// One page of a user's keys; nothing where the marker names none of them.
///
/// # Errors
/// What the store reports.
pub fn list(db: &Connection, user: &UserId, paging: &Paging) -> Result<Option<Vec<Keypair>>, store::Error> {
    if let Some(marker) = &paging.marker
        && get(db, user, marker)?.is_none()
    {
        return Ok(None);
    }
    // The only sort column is the name, which is the marker itself: other users' keys of that name do no harm.
    super::page(db, "compute_keypairs", "name", Condition::is("user_id", user.as_str()), paging, from_row)
}

/// Deletes a key; says whether there was one.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, user: &UserId, name: &str) -> Result<bool, store::Error> {
    const SQL: &str = "DELETE FROM compute_keypairs WHERE user_id = ?1 AND name = ?2";
    Ok(query::execute(db, SQL, params![user.as_str(), name])? == 1)
}
