//! A server's latest fault.

use kit::ids::ServerId;
use kit::time::to_micros;
use kit::{Fault, FaultKind, Timestamp};
use rusqlite::{Connection, Row, params};
use store::query;

use super::{time, to_json};

/// What went wrong with a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFault {
    /// An HTTP status.
    pub code: u16,
    /// In public words.
    pub message: String,
    /// More of them, for administrators.
    pub details: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// The status that a server's fault shows for a kind of failure.
#[must_use]
pub fn code(kind: FaultKind) -> u16 {
    match kind {
        FaultKind::BadRequest => 400,
        FaultKind::Forbidden | FaultKind::OverQuota => 403,
        FaultKind::NotFound => 404,
        FaultKind::Conflict => 409,
        _ => 500,
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ServerFault> {
    Ok(ServerFault {
        code: row.get("code")?,
        message: row.get("message")?,
        details: row.get("details")?,
        created_at: time(row, "created_at")?,
    })
}

/// Records `fault` as the server's latest.
///
/// # Errors
/// What the store reports.
pub fn insert(db: &Connection, server_id: &ServerId, fault: &Fault, now: Timestamp) -> Result<(), store::Error> {
    const SQL: &str = "INSERT OR REPLACE INTO compute_faults (instance_id, code, message, details, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![server_id.as_str(), code(fault.kind()), fault.message(), None::<String>, to_micros(now)];
    query::execute(db, SQL, values)?;
    Ok(())
}

/// A server's latest fault.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, server_id: &ServerId) -> Result<Option<ServerFault>, store::Error> {
    query::opt(db, "SELECT * FROM compute_faults WHERE instance_id = ?1", params![server_id.as_str()], from_row)
}

/// The latest faults of many servers at once.
///
/// # Errors
/// What the store reports.
pub fn of_instances(db: &Connection, servers: &[&str]) -> Result<Vec<(ServerId, ServerFault)>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_faults WHERE instance_id IN (SELECT value FROM json_each(?1))";
    query::all(db, SQL, params![to_json(&servers)?], |row| Ok((super::id(row, "instance_id")?, from_row(row)?)))
}
