//! The hops of requests that concern a server: what `cloudbox vm trace` shows.

use kit::Span;
use kit::ids::ServerId;
use rusqlite::{Connection, params};
use store::query;

use super::{json, to_json};

/// Adds spans of the request `request_id`.
///
/// # Errors
/// What the store reports.
pub fn insert(db: &Connection, server_id: &ServerId, request_id: &str, spans: &[Span]) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_spans (instance_id, request_id, span) VALUES (?1, ?2, ?3)";
    for span in spans {
        query::execute(db, SQL, params![server_id.as_str(), request_id, to_json(span)?])?;
    }
    Ok(())
}

/// The spans of the request `request_id`, in the order in which they came.
///
/// # Errors
/// What the store reports.
pub fn of_request(db: &Connection, server_id: &ServerId, request_id: &str) -> Result<Vec<Span>, store::Error> {
    const SQL: &str = "SELECT span FROM compute_spans WHERE instance_id = ?1 AND request_id = ?2 ORDER BY id";
    query::all(db, SQL, params![server_id.as_str(), request_id], |row| json(row, "span"))
}
