//! SQL over the service's own tables, a file per resource, and what all of them share.
//!
//! Functions take a connection of the store: those that read may be given a reader's, those that write must be
//! given the writer's and rely on its transaction. Nothing here decides what a caller may do.

pub mod addresses;
pub mod agents;
pub mod floatingips;
pub mod networks;
pub mod ports;
pub mod quotas;
pub mod routers;
pub mod rules;
pub mod security_groups;
pub mod subnets;

use std::collections::HashMap;

use http_kit::Condition;
use kit::{Fault, Timestamp, time};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::rusqlite::types::Type;
use store::{Connection, Row, Value, query, rusqlite};

use crate::domain::model::Standard;

/// What a list is made of: which rows, in which order, how many.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Which rows; `t` is the resource's table.
    pub condition: Condition,
    /// What stands after `ORDER BY`; made of static column names.
    pub order: String,
    /// At most so many.
    pub limit: Option<u32>,
}

impl Selection {
    /// All rows that `condition` holds for, by id.
    #[must_use]
    pub fn of(condition: Condition) -> Self {
        Self { condition, order: "t.id".to_owned(), limit: None }
    }
}

/// Runs `select` (up to and without `WHERE`) for a selection.
fn list<T>(
    db: &Connection,
    select: &str,
    selection: &Selection,
    map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, store::Error> {
    let mut values = query::bind(selection.condition.values.iter().cloned());
    let limit = selection.limit.map_or(-1, i64::from);
    values.push(Value::Integer(limit));
    let sql = format!("{select} WHERE {} ORDER BY {} LIMIT ?", selection.condition.sql, selection.order);
    query::query_all(db, &sql, &values, map)
}

/// Rows of another table, gathered by what they belong to: `sql` has one parameter, a JSON list of ids, and
/// answers the owner's id in its first column.
fn gather<T>(
    db: &Connection,
    sql: &str,
    owners: &str,
    mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<HashMap<String, Vec<T>>, store::Error> {
    let mut gathered: HashMap<String, Vec<T>> = HashMap::new();
    for (owner, item) in query::all(db, sql, [owners], |row| Ok((row.get::<_, String>(0)?, map(row)?)))? {
        gathered.entry(owner).or_default().push(item);
    }
    Ok(gathered)
}

/// Ids as a JSON list, for `json_each`.
fn json_ids<'i>(ids: impl Iterator<Item = &'i str>) -> String {
    let quoted: Vec<String> = ids.map(|id| serde_json::Value::from(id).to_string()).collect();
    format!("[{}]", quoted.join(","))
}

fn standard(row: &Row<'_>) -> rusqlite::Result<Standard> {
    Ok(Standard {
        description: row.get("description")?,
        tags: json(row, "tags")?,
        revision_number: row.get("revision_number")?,
        created_at: time_at(row, "created_at")?,
        updated_at: time_at(row, "updated_at")?,
    })
}

fn time_at(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(time::from_micros)
}

/// A column of JSON.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

/// A column of text that spells a `T`.
fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    spelled(&text)
}

/// The same, where the column may be `NULL`.
fn parsed_or_null<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.get::<_, Option<String>>(column)?.map(|text| spelled(&text)).transpose()
}

fn spelled<T>(text: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error: T::Err| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

/// A column with an id that may be `NULL` or empty.
fn id<T: From<String>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get::<_, String>(column).map(T::from)
}

/// `content` as a column of JSON.
fn to_json(content: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(content).map_err(|error| Fault::internal("writing a column of JSON", error))
}
