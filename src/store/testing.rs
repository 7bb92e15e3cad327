//! For the tests of every crate that keeps tables: throw-away stores, and a schema as text.

use std::ops::Deref;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::migrate::{self, Migrations};
use crate::open::Options;
use crate::store::Store;

/// A store in a directory of its own, which goes away with it.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    directory: TempDir,
}

impl TestStore {
    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// A new, empty store with the tables of `migrations`. It behaves as in service, but never waits for the disk.
///
/// # Panics
/// Where it cannot be opened.
#[must_use]
#[expect(clippy::expect_used, reason = "a helper of tests: a failure here is a failed test")]
pub fn store(migrations: &[Migrations]) -> TestStore {
    let directory = tempfile::tempdir().expect("a directory for a throw-away store");
    let options = Options { sync: false, ..Options::default() };
    let path = directory.path().join("cloudbox.db");
    let store = Store::open(&path, migrations, options).expect("a throw-away store");
    TestStore { store, directory }
}

/// The schema that all `migrations` together make, as text to compare with one that is checked in.
///
/// Statements are sorted by table, with each table's indexes after it. Our own `schema_version` is left out.
///
/// # Panics
/// Where a step fails, or where a table is not STRICT.
#[must_use]
#[expect(clippy::expect_used, clippy::panic, reason = "a helper of tests: a failure here is a failed test")]
pub fn schema(migrations: &[Migrations]) -> String {
    let db = Connection::open_in_memory().expect("a database in memory");
    if let Err(error) = migrate::migrate(&db, &[], migrations, "test") {
        panic!("{}", crate::writer::chain(&error));
    }
    let loose = texts(
        &db,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict
         AND name NOT LIKE 'sqlite_%'",
    );
    assert!(loose.is_empty(), "tables that are not STRICT: {loose:?}");
    let statements = texts(
        &db,
        "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> 'schema_version'
         ORDER BY tbl_name, type <> 'table', type, name",
    );
    let mut text = statements.join("\n\n");
    text.push('\n');
    text
}

#[expect(clippy::expect_used, reason = "a helper of tests: a failure here is a failed test")]
fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a statement of our own");
    let rows = statement.query_map([], |row| row.get(0)).expect("a query of our own");
    rows.collect::<Result<_, _>>().expect("rows of text")
}
