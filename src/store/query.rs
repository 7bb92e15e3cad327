//! Short forms for the statements that all services make: prepared once per connection, rows mapped by a function.
//!
//! All of them answer with [`Error`], so that `?` works in a job that answers with a service's own error.

use kit::sql::SqlValue;
use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params_from_iter};

use crate::error::Error;

/// The one row of a query that must give one; further rows are ignored.
///
/// # Errors
/// [`Error::NoRow`] where there is none; otherwise what SQLite or the mapper reports.
pub fn one<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, Error> {
    Ok(db.prepare_cached(sql)?.query_row(params, map)?)
}

/// The first row of a query, if there is one.
///
/// # Errors
/// What SQLite or the mapper reports.
pub fn opt<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    match one(db, sql, params, map) {
        Ok(row) => Ok(Some(row)),
        Err(Error::NoRow) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All rows of a query.
///
/// # Errors
/// What SQLite or the mapper reports.
pub fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(params, map)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All rows of a query whose parameters (`?1`, `?2`, …) were gathered at run time: filters, a page's key.
///
/// # Errors
/// What SQLite or the mapper reports.
pub fn query_all<T>(
    db: &Connection,
    sql: &str,
    values: &[Value],
    map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    all(db, sql, params_from_iter(values), map)
}

/// `values`, for [`query_all`].
pub fn bind(values: impl IntoIterator<Item = SqlValue>) -> Vec<Value> {
    let one = |value| match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Real(number) => Value::Real(number),
        SqlValue::Text(text) => Value::Text(text),
    };
    values.into_iter().map(one).collect()
}

/// The first `count` columns of a row, as they can be bound again: where a page begins. Blobs are taken for nothing.
///
/// # Errors
/// What SQLite reports.
pub fn key(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<SqlValue>> {
    let one = |index| {
        Ok(match row.get(index)? {
            Value::Integer(number) => SqlValue::Integer(number),
            Value::Real(number) => SqlValue::Real(number),
            Value::Text(text) => SqlValue::Text(text),
            Value::Null | Value::Blob(_) => SqlValue::Null,
        })
    };
    (0..count).map(one).collect()
}

/// Whether a query gives any row.
///
/// # Errors
/// What SQLite reports.
pub fn exists(db: &Connection, sql: &str, params: impl Params) -> Result<bool, Error> {
    Ok(db.prepare_cached(sql)?.exists(params)?)
}

/// Runs a statement that gives no rows; answers how many rows it changed.
///
/// A compare-and-swap (`UPDATE … WHERE id = ?1 AND task_state IS ?2`) was won when this is 1.
///
/// # Errors
/// What SQLite reports.
pub fn execute(db: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    Ok(db.prepare_cached(sql)?.execute(params)?)
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    fn db() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT) STRICT").unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(execute(&db, "INSERT INTO t (name) VALUES (?1)", params![name]).unwrap(), 1);
        }
        db
    }

    fn name(row: &Row<'_>) -> rusqlite::Result<String> {
        row.get("name")
    }

    #[test]
    fn one_needs_a_row_and_opt_does_not() {
        let db = db();
        let sql = "SELECT name FROM t WHERE id = ?1";
        assert_eq!(one(&db, sql, [2], name).unwrap(), "b");
        assert!(matches!(one(&db, sql, [9], name), Err(Error::NoRow)));
        assert_eq!(opt(&db, sql, [2], name).unwrap().as_deref(), Some("b"));
        assert_eq!(opt(&db, sql, [9], name).unwrap(), None);
        assert!(exists(&db, sql, [3]).unwrap() && !exists(&db, sql, [9]).unwrap());
    }

    #[test]
    fn values_gathered_at_run_time_are_bound_in_order() {
        let db = db();
        let values = [Value::Integer(1), Value::Text("c".to_owned())];
        let names = query_all(&db, "SELECT name FROM t WHERE id > ?1 AND name < ?2", &values, name).unwrap();
        assert_eq!(names, ["b"]);
        assert_eq!(all(&db, "SELECT name FROM t ORDER BY id", [], name).unwrap(), ["a", "b", "c"]);
    }
}
