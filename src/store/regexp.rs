//! `REGEXP`, which SQLite's grammar has and leaves to the application: `column REGEXP ?` holds where the pattern matches
//! anywhere in the text.
//!
//! A pattern is compiled once per statement. One that is none fails the statement: whoever binds it has checked it.

use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

/// Gives `connection` the operator. Null matches nothing.
pub(crate) fn add(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("regexp", 2, flags, |context| {
        let pattern = context.get_or_create_aux(0, |pattern| Ok::<_, Box<Failure>>(Regex::new(pattern.as_str()?)?))?;
        match context.get_raw(1) {
            ValueRef::Null => Ok(false),
            text => Ok(pattern.is_match(text.as_str()?)),
        }
    })
}

type Failure = dyn std::error::Error + Send + Sync;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, pattern: &str) -> Result<bool> {
        let db = Connection::open_in_memory()?;
        add(&db)?;
        db.query_row("SELECT ?1 REGEXP ?2", [text, pattern], |row| row.get(0))
    }

    #[test]
    fn a_pattern_matches_anywhere() {
        assert!(matches("web1", "b[0-9]").unwrap());
        assert!(!matches("web1", "^b").unwrap());
        assert!(matches("web1", "[").is_err());
    }

    #[test]
    fn null_matches_nothing() {
        let db = Connection::open_in_memory().unwrap();
        add(&db).unwrap();
        assert!(!db.query_row("SELECT NULL REGEXP '.*'", [], |row| row.get::<_, bool>(0)).unwrap());
    }
}
