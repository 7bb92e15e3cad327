//! What was asked of servers, and the steps that were taken for it.

use kit::ids::{HostId, ProjectId, ServerId, UserId};
use kit::time::to_micros;
use kit::{RequestContext, Timestamp};
use rusqlite::{Connection, Row, params};
use store::query;

use super::{id_opt, time, time_opt};

/// What one request asked of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its number.
    pub id: i64,
    /// The server.
    pub server_id: ServerId,
    /// The request.
    pub request_id: String,
    /// `create`, `stop`, `attach_volume`, ….
    pub action: String,
    /// Who asked.
    pub user_id: Option<UserId>,
    /// With which project.
    pub project_id: Option<ProjectId>,
    /// `Error` when one of its events failed.
    pub message: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it, or an event of it, last changed.
    pub updated_at: Timestamp,
}

/// One step of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `compute__do_build_and_run_instance`, ….
    pub event: String,
    /// Where.
    pub host: Option<HostId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// `Success` or `Error`, once it has ended.
    pub result: Option<String>,
    /// What went wrong, in public words.
    pub details: Option<String>,
}

fn action(row: &Row<'_>) -> rusqlite::Result<Action> {
    Ok(Action {
        id: row.get("id")?,
        server_id: super::id(row, "instance_id")?,
        request_id: row.get("request_id")?,
        action: row.get("action")?,
        user_id: id_opt(row, "user_id")?,
        project_id: id_opt(row, "project_id")?,
        message: row.get("message")?,
        started_at: time(row, "started_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// Records that `context` asks for `name`; answers the action's number.
///
/// # Errors
/// What the store reports.
pub fn insert(
    db: &Connection,
    server_id: &ServerId,
    context: &RequestContext,
    name: &str,
    now: Timestamp,
) -> Result<i64, store::Error> {
    const SQL: &str = "INSERT INTO compute_actions (instance_id, request_id, action, user_id, project_id, started_at,
        updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    let values = params![
        server_id.as_str(),
        &*context.request_id,
        name,
        context.user_id().map(UserId::as_str),
        context.project_id().map(ProjectId::as_str),
        to_micros(now),
    ];
    query::execute(db, SQL, values)?;
    Ok(db.last_insert_rowid())
}

/// A server's actions, newest first.
///
/// # Errors
/// What the store reports.
pub fn of_instance(db: &Connection, server_id: &ServerId) -> Result<Vec<Action>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_actions WHERE instance_id = ?1 ORDER BY id DESC";
    query::all(db, SQL, params![server_id.as_str()], action)
}

/// What the request `request_id` asked of a server.
///
/// # Errors
/// What the store reports.
pub fn by_request(db: &Connection, server_id: &ServerId, request_id: &str) -> Result<Option<Action>, store::Error> {
    const SQL: &str =
        "SELECT * FROM compute_actions WHERE instance_id = ?1 AND request_id = ?2 ORDER BY id DESC LIMIT 1";
    query::opt(db, SQL, params![server_id.as_str(), request_id], action)
}

/// Adds an event to the action that the request `request_id` made; says whether there is such an action.
/// A failed event marks its action as failed.
///
/// # Errors
/// What the store reports.
pub fn insert_event(
    db: &Connection,
    server_id: &ServerId,
    request_id: &str,
    event: &Event,
) -> Result<bool, store::Error> {
    let Some(action) = by_request(db, server_id, request_id)? else { return Ok(false) };
    const SQL: &str =
        "INSERT INTO compute_action_events (action_id, event, host, started_at, finished_at, result, details)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        action.id,
        event.event,
        event.host.as_ref().map(HostId::as_str),
        to_micros(event.started_at),
        event.finished_at.map(to_micros),
        event.result,
        event.details,
    ];
    query::execute(db, SQL, values)?;
    let failed = event.result.as_deref() == Some("Error");
    const UPDATE: &str = "UPDATE compute_actions SET updated_at = MAX(updated_at, ?2),
        message = CASE WHEN ?3 THEN 'Error' ELSE message END WHERE id = ?1";
    let at = event.finished_at.unwrap_or(event.started_at);
    query::execute(db, UPDATE, params![action.id, to_micros(at), failed])?;
    Ok(true)
}

/// Marks the action of the request `request_id` as failed.
///
/// # Errors
/// What the store reports.
pub fn fail(db: &Connection, server_id: &ServerId, request_id: &str, now: Timestamp) -> Result<(), store::Error> {
    const SQL: &str =
        "UPDATE compute_actions SET message = 'Error', updated_at = ?3 WHERE instance_id = ?1 AND request_id = ?2";
    query::execute(db, SQL, params![server_id.as_str(), request_id, to_micros(now)])?;
    Ok(())
}

/// An action's events, oldest first.
///
/// # Errors
/// What the store reports.
pub fn events(db: &Connection, action_id: i64) -> Result<Vec<Event>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_action_events WHERE action_id = ?1 ORDER BY id";
    query::all(db, SQL, params![action_id], |row| {
        Ok(Event {
            event: row.get("event")?,
            host: id_opt(row, "host")?,
            started_at: time(row, "started_at")?,
            finished_at: time_opt(row, "finished_at")?,
            result: row.get("result")?,
            details: row.get("details")?,
        })
    })
}
