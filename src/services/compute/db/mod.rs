//! SQL over this service's own tables. Nothing here decides; callers bring the time and the ids.
//!
//! Functions take a connection, so that several make one transaction: `store.write(|db| { instances::insert(db, …)?; … })`.

pub mod actions;
pub mod block_devices;
pub mod faults;
pub mod hosts;
pub mod instances;
pub mod spans;
pub mod tags;

use kit::Timestamp;
use kit::time::from_micros;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::types::Type;

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
