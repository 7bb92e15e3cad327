//! Looking at a database without opening it as a store: one that another process may have open, a copy, a backup.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::backup;
use crate::error::Error;
use crate::migrate::{self, APPLICATION_ID, Migrations};
use crate::open::OpenError;

/// What is in a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Each service and the version of its tables.
    pub schema: Vec<(String, usize)>,
    /// Whether a start would migrate it.
    pub behind: bool,
}

/// Copies the database at `from` to `to`, whether it is in use or not; a file that is there is replaced once the copy is whole.
/// It blocks.
///
/// # Errors
/// [`Error::Full`], [`Error::Io`] and others where the copy cannot be written; nothing is left behind then.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    backup::copy_file(from, to)
}

/// Runs `job` on the database at `path`, which it cannot change. It blocks.
///
/// # Errors
/// The job's, and what SQLite reports.
pub fn look<T>(path: &Path, job: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
    let db = open(path)?;
    job(&db)
}

/// Checks the database at `path` as a start would: whose it is, whether it is damaged, whether a newer cloudbox has written it. Nothing is changed, and
/// another process may have it open. It blocks.
///
/// # Errors
/// [`OpenError`], in words for the operator.
pub fn inspect(path: &Path, migrations: &[Migrations], own: &str) -> Result<Inspection, OpenError> {
    let failed = |error| OpenError::from_sql("reading the database", error);
    let db = open(path).map_err(failed)?;
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION_ID {
        return Err(OpenError::NotOurs { path: path.to_owned() });
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(OpenError::Corrupt { detail: found });
    }
    let applied = migrate::applied(&db).map_err(failed)?;
    let behind = migrate::is_behind(&applied, migrations, own)?;
    Ok(Inspection { schema: applied.into_iter().map(|one| (one.service, one.version)).collect(), behind })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "query_only", true)?;
    crate::regexp::add(&db)?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store};

    const ONE: Migrations =
        Migrations { service: "toy", steps: &["CREATE TABLE toy_t (id INTEGER PRIMARY KEY) STRICT;"] };
    const TWO: Migrations =
        Migrations { service: "toy", steps: &[ONE.steps[0], "CREATE TABLE toy_u (id INTEGER PRIMARY KEY) STRICT;"] };

    #[tokio::test]
    async fn a_database_in_use_is_looked_at_and_copied() {
        let directory = tempfile::tempdir().unwrap();
        let (path, to) = (directory.path().join("cloudbox.db"), directory.path().join("copy.db"));
        let store = Store::open(&path, &[ONE], Options::default()).unwrap();
        store.write(|db| crate::query::execute(db, "INSERT INTO toy_t VALUES (7)", [])).await.unwrap();
        copy(&path, &to).unwrap();
        for path in [&path, &to] {
            let found = inspect(path, &[ONE], "1.0").unwrap();
            assert_eq!(found, Inspection { schema: vec![("toy".to_owned(), 1)], behind: false });
            let seen = look(path, |db| crate::query::one(db, "SELECT id FROM toy_t", [], |row| row.get::<_, i64>(0)));
            assert_eq!(seen.unwrap(), 7);
            assert!(look(path, |db| crate::query::execute(db, "DELETE FROM toy_t", [])).is_err());
        }
        assert!(inspect(&path, &[TWO], "1.0").unwrap().behind);
        store.close().await;
    }

    #[test]
    fn what_a_start_would_refuse_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cloudbox.db");
        drop(Store::open(&path, &[TWO], Options { version: "2.0".to_owned(), ..Options::default() }).unwrap());
        let newer = inspect(&path, &[ONE], "1.0").unwrap_err();
        assert!(newer.to_string().contains("install cloudbox 2.0 or newer"), "{newer}");
        let other = directory.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (id)").unwrap();
        assert!(matches!(inspect(&other, &[ONE], "1.0"), Err(OpenError::NotOurs { .. })));
        std::fs::write(&other, b"no database at all, but long enough to be taken for a file that is damaged").unwrap();
        assert!(matches!(inspect(&other, &[ONE], "1.0"), Err(OpenError::Corrupt { .. })));
        assert!(inspect(&directory.path().join("none.db"), &[ONE], "1.0").is_err());
    }
}
