//! The table `image_tasks`.

use http_kit::{Condition, SqlValue};
use kit::Timestamp;
use kit::ids::ImageId;
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, Value, params, query};

use crate::domain::task::{Task, TaskKind, TaskStatus};

const COLUMNS: &str = "id, type, status, owner, image_id, user_id, request_id, input, result, message, expires_at, created_at, updated_at";

/// The task with this id.
pub fn get(db: &Connection, id: &str) -> Result<Option<Task>, Error> {
    query::opt(db, &format!("SELECT {COLUMNS} FROM image_tasks WHERE id = ?1"), [id], from_row)
}

/// The tasks that satisfy `condition`, in the order `order`, at most `limit` (-1: all).
pub fn list(db: &Connection, condition: Condition, order: &str, limit: i64) -> Result<Vec<Task>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_tasks WHERE {} ORDER BY {order} LIMIT ?", condition.sql);
    let mut values = query::bind(condition.values);
    values.push(Value::Integer(limit));
    query::query_all(db, &sql, &values, from_row)
}

/// The tasks of an image, the oldest first.
pub fn of_image(db: &Connection, id: &ImageId) -> Result<Vec<Task>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_tasks WHERE image_id = ?1 ORDER BY created_at, id");
    query::all(db, &sql, [id.as_str()], from_row)
}

/// The tasks that are not over, the oldest first.
pub fn unfinished(db: &Connection) -> Result<Vec<Task>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM image_tasks WHERE expires_at IS NULL AND status IN ('pending', 'processing')
         ORDER BY created_at, id"
    );
    query::all(db, &sql, [], from_row)
}

/// The values of `columns` in the row of `id`: where a page begins.
pub fn key(db: &Connection, id: &str, columns: &[&'static str]) -> Result<Option<Vec<SqlValue>>, Error> {
    let sql = format!("SELECT {} FROM image_tasks WHERE id = ?1", columns.join(", "));
    query::opt(db, &sql, [id], |row| query::key(row, columns.len()))
}

/// Adds a task.
pub fn insert(db: &Connection, task: &Task) -> Result<(), Error> {
    query::execute(
        db,
        &format!("INSERT INTO image_tasks ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
        params![
            task.id,
            task.kind.as_str(),
            task.status.as_str(),
            task.owner.as_ref().map(AsRef::<str>::as_ref),
            task.image_id.as_ref().map(AsRef::<str>::as_ref),
            task.user_id.as_ref().map(AsRef::<str>::as_ref),
            task.request_id,
            task.input.to_string(),
            task.result.as_ref().map(ToString::to_string),
            task.message,
            task.expires_at.map(to_micros),
            to_micros(task.created_at),
            to_micros(task.updated_at),
        ],
    )?;
    Ok(())
}

/// Says that a task is under way, and how far; one that is over stays so.
pub fn proceed(db: &Connection, id: &str, message: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE image_tasks SET status = 'processing', message = ?2, updated_at = ?3
               WHERE id = ?1 AND status IN ('pending', 'processing')";
    query::execute(db, sql, params![id, message, to_micros(now)])?;
    Ok(())
}

/// How a task ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Success or failure.
    pub status: TaskStatus,
    /// What came of it.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub message: String,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// Ends a task; one that is over stays as it is.
pub fn end(db: &Connection, id: &str, ending: &Ending, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE image_tasks SET status = ?2, result = ?3, message = ?4, expires_at = ?5, updated_at = ?6
               WHERE id = ?1 AND status IN ('pending', 'processing')";
    let result = ending.result.as_ref().map(ToString::to_string);
    let row = params![id, ending.status.as_str(), result, ending.message, to_micros(ending.expires_at), to_micros(now)];
    query::execute(db, sql, row)?;
    Ok(())
}

/// Forgets tasks whose time is over, at most `most`; how many.
pub fn forget(db: &Connection, now: Timestamp, most: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM image_tasks WHERE id IN (SELECT id FROM image_tasks WHERE expires_at < ?1 LIMIT ?2)";
    query::execute(db, sql, params![to_micros(now), most])
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Task> {
    let text = |name: &str| row.get::<_, Option<String>>(name);
    let (kind, status): (String, String) = (row.get("type")?, row.get("status")?);
    let json = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(Task {
        id: row.get("id")?,
        kind: TaskKind::parse(&kind).unwrap_or(TaskKind::ApiImageImport),
        status: TaskStatus::parse(&status).unwrap_or(TaskStatus::Failure),
        owner: text("owner")?.map(Into::into),
        image_id: text("image_id")?.map(Into::into),
        user_id: text("user_id")?.map(Into::into),
        request_id: text("request_id")?,
        input: json(row.get("input")?),
        result: text("result")?.map(json),
        message: row.get("message")?,
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(from_micros),
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}
