//! SQL over this service's own tables. Nothing here decides; callers bring the time and the ids.
//!
//! Functions take a connection, so that several make one transaction: `store.write(|db| { instances::insert(db, …)?; … })`.

pub mod actions;
pub mod block_devices;
pub mod console_tokens;
pub mod faults;
pub mod flavors;
pub mod hosts;
pub mod instance_changes;
pub mod instances;
pub mod keypairs;
pub mod quotas;
pub mod retention;
pub mod server_groups;
pub mod spans;
pub mod tags;

use http_kit::{Condition, Paging};
use kit::Timestamp;
use kit::time::from_micros;
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::types::Type;
use store::{Value, query};

/// A column that holds JSON.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| invalid(column, error))
}

/// A column that holds JSON or nothing.
fn json_opt<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => serde_json::from_str(text).map(Some).map_err(|error| invalid(column, error)),
        None => Ok(None),
    }
}

/// `value` for a column that holds JSON.
fn to_json(value: &impl Serialize) -> Result<String, store::Error> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)).into())
}

/// A column that holds a time.
fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(from_micros)
}

/// A column that holds a time or nothing.
fn time_opt(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(from_micros))
}

/// A column that holds the name of an id, or nothing.
fn id_opt<T: From<String>>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<String>>(column)?.map(T::from))
}

/// A column that holds an id.
fn id<T: From<String>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get::<_, String>(column).map(T::from)
}

/// The value in `column` is not what this program writes there.
fn invalid(column: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    let error = format!("column {column}: {}", error.into());
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

/// A non-negative number for a column.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One page of the rows of `table` for which `condition` holds, and one row more where there is; nothing where no row's
/// `marker_column` is the page's marker.
fn page<T>(
    db: &Connection,
    table: &'static str,
    marker_column: &'static str,
    mut condition: Condition,
    paging: &Paging,
    map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<Vec<T>>, store::Error> {
    if let Some(marker) = &paging.marker {
        let columns: Vec<&str> = paging.key_columns().collect();
        let sql = format!("SELECT {} FROM {table} WHERE {marker_column} = ?1", columns.join(", "));
        let key = query::opt(db, &sql, [marker], |row| query::key(row, columns.len()));
        let Some(key) = key? else { return Ok(None) };
        condition = condition.and(paging.after(&key));
    }
    let sql = format!("SELECT * FROM {table} WHERE {} ORDER BY {} LIMIT ?", condition.sql, paging.order_by());
    let mut values = query::bind(condition.values);
    values.push(Value::Integer(paging.fetch()));
    query::query_all(db, &sql, &values, map).map(Some)
}
