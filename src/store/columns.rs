//! Reading a row column by column, in the order of the query: of a wide row, finding columns by name costs more than reading them.

use kit::Timestamp;
use kit::time::from_micros;
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};
use serde::de::DeserializeOwned;

/// The columns of a row that were not read yet.
#[derive(Debug)]
pub struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

/// All of them answer with what SQLite reports, or that a column does not hold what was asked for.
#[expect(clippy::missing_errors_doc, reason = "it is said above, once")]
impl<'r, 's> Columns<'r, 's> {
    /// All columns of `row`.
    #[must_use]
    pub fn of(row: &'r Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    /// Passes over `count` columns.
    pub fn skip(&mut self, count: usize) {
        self.next += count;
    }

    /// The next column.
    pub fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// The next column, text that is there to be read alone; `None` where it is null.
    pub fn text(&mut self) -> rusqlite::Result<Option<&'r str>> {
        self.next += 1;
        Ok(self.row.get_ref(self.next - 1)?.as_str_or_null()?)
    }

    /// An id.
    pub fn id<T: From<String>>(&mut self) -> rusqlite::Result<T> {
        self.get::<String>().map(T::from)
    }

    /// An id, where there is one.
    pub fn id_opt<T: From<String>>(&mut self) -> rusqlite::Result<Option<T>> {
        Ok(self.get::<Option<String>>()?.map(T::from))
    }

    /// A time, in microseconds.
    pub fn time(&mut self) -> rusqlite::Result<Timestamp> {
        self.get().map(from_micros)
    }

    /// A time, where there is one.
    pub fn time_opt(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>()?.map(from_micros))
    }

    /// JSON.
    pub fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        self.json_opt()?.ok_or_else(|| self.invalid("nothing where there must be something"))
    }

    /// JSON, where there is any.
    pub fn json_opt<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        match self.text()? {
            Some(text) => serde_json::from_str(text).map(Some).map_err(|error| self.invalid(error)),
            None => Ok(None),
        }
    }

    /// The column that was read last is not what was asked for.
    fn invalid(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(self.next.saturating_sub(1), Type::Text, error.into())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn columns_are_read_in_their_order() {
        let db = Connection::open_in_memory().unwrap();
        let sql = "SELECT 'a', 1, 2, NULL, 3, '[1, 2]', NULL, 'no JSON', NULL";
        let read = |row: &Row<'_>| {
            let columns = &mut Columns::of(row);
            let first = (columns.id::<String>()?, columns.get::<i64>()?);
            columns.skip(1);
            let times = (columns.time_opt()?, columns.time()?);
            assert_eq!((first, times), (("a".to_owned(), 1), (None, from_micros(3))));
            assert_eq!((columns.json::<Vec<u8>>()?, columns.json_opt::<u8>()?), (vec![1, 2], None));
            let (bad, missing) = (columns.json::<u8>().unwrap_err(), columns.json::<u8>().unwrap_err());
            assert!(
                bad.to_string().contains("index: 7") && missing.to_string().contains("nothing where"),
                "{bad} {missing}"
            );
            assert!(columns.get::<i64>().is_err(), "there are no more");
            Ok(())
        };
        db.query_row(sql, [], read).unwrap();
    }
}
