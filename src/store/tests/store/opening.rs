//! Everything that can be in the way of opening a database, and what the operator is told; migrations; copies.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use store::rusqlite::Connection;
use store::{FileSystem, Migrations, OpenError, Options, Store, query, testing};

const V1: Migrations = Migrations { service: "image", steps: &["CREATE TABLE images (id TEXT PRIMARY KEY) STRICT;"] };

const V2: Migrations = Migrations {
    service: "image",
    steps: &[
        "CREATE TABLE images (id TEXT PRIMARY KEY) STRICT;",
        "ALTER TABLE images ADD COLUMN name TEXT NOT NULL DEFAULT '';
         CREATE INDEX images_name ON images (name);",
    ],
};

fn options(version: &str) -> Options {
    Options { sync: false, version: version.to_owned(), ..Options::default() }
}

fn open(path: &Path, migrations: &[Migrations], version: &str) -> Result<Store, OpenError> {
    Store::open(path, migrations, options(version))
}

async fn execute(store: &Store, sql: &'static str) {
    store.write(move |db| query::execute(db, sql, [])).await.unwrap();
}

fn copies(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut copies: Vec<_> = names.filter(|name| name.contains(".before-")).collect();
    copies.sort();
    copies
}

#[tokio::test]
async fn migrating_keeps_the_rows_and_a_copy_from_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    let store = open(&path, &[V1], "0.1.0").unwrap();
    execute(&store, "INSERT INTO images (id) VALUES ('i1')").await;
    store.close().await;
    assert!(copies(directory.path()).is_empty(), "a new database needs no copy");

    let store = open(&path, &[V2], "0.2.0").unwrap();
    let row = |db: &Connection| {
        query::one(db, "SELECT id, name FROM images", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
    };
    assert_eq!(store.read(row).await.unwrap(), ("i1".to_owned(), String::new()));
    store.close().await;
    assert_eq!(copies(directory.path()), ["cloudbox.db.before-0.2.0"]);

    let copy = Connection::open(directory.path().join("cloudbox.db.before-0.2.0")).unwrap();
    assert_eq!(copy.query_row("SELECT count(*) FROM images", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    assert!(copy.prepare("SELECT name FROM images").is_err(), "the copy has the old schema");
    let again = open(&path, &[V2], "0.2.1").unwrap();
    again.close().await;
    assert_eq!(copies(directory.path()).len(), 1, "nothing to migrate, nothing to copy");
}

#[tokio::test]
async fn only_the_newest_copies_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    for age in 1..=4 {
        let old = directory.path().join(format!("cloudbox.db.before-0.0.{age}"));
        std::fs::write(&old, "").unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age);
        std::fs::File::options().write(true).open(&old).unwrap().set_modified(time).unwrap();
    }
    open(&path, &[V1], "0.1.0").unwrap().close().await;
    open(&path, &[V2], "0.2.0").unwrap().close().await;
    let kept = ["cloudbox.db.before-0.0.3", "cloudbox.db.before-0.0.4", "cloudbox.db.before-0.2.0"];
    assert_eq!(copies(directory.path()), kept);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    open(&path, &[V2], "0.9.0").unwrap().close().await;
    let before = std::fs::read(&path).unwrap();
    let error = open(&path, &[V1], "0.1.0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the database was written by cloudbox 0.9.0, and this is cloudbox 0.1.0 (image: schema version 2, this one \
         knows 1); install cloudbox 0.9.0 or newer"
    );
    let error = open(&path, &[], "0.1.0").unwrap_err();
    assert!(matches!(error, OpenError::Newer { known: 0, .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_failed_migration_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    open(&path, &[V1], "0.1.0").unwrap().close().await;
    let other = Migrations { service: "volume", steps: &["CREATE TABLE volumes (id TEXT) STRICT;"] };
    let broken = Migrations { service: "network", steps: &["CREATE TABLE a (x TEXT) STRICT;", "CREATE TABLE ("] };
    let error = open(&path, &[V2, other, broken], "0.2.0").unwrap_err();
    assert!(matches!(error, OpenError::Migration { service: "network", step: 2, .. }), "{error}");
    let ends = Migrations { service: "network", steps: &["CREATE TABLE a (x TEXT) STRICT; ROLLBACK;"] };
    let error = open(&path, &[V1, ends], "0.2.0").unwrap_err();
    assert!(matches!(error, OpenError::MigrationEndedTransaction { service: "network", step: 1 }), "{error}");
    let dangling = Migrations {
        service: "network",
        steps: &["CREATE TABLE n (image TEXT REFERENCES images (id)) STRICT; INSERT INTO n VALUES ('none');"],
    };
    let error = open(&path, &[V1, dangling], "0.2.0").unwrap_err();
    assert!(matches!(&error, OpenError::DanglingReference { table } if table == "n"), "{error}");
    let store = open(&path, &[V1], "0.1.0").unwrap();
    let tables = |db: &Connection| {
        query::all(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", [], |row| {
            row.get::<_, String>(0)
        })
    };
    assert_eq!(store.read(tables).await.unwrap(), ["images", "schema_version"]);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    let store = open(&path, &[V1], "0.1.0").unwrap();
    let error = open(&path, &[V1], "0.1.0").unwrap_err();
    assert!(matches!(&error, OpenError::Locked { pid, .. } if *pid == Some(std::process::id())), "{error}");
    store.close().await;
    open(&path, &[V1], "0.1.0").unwrap();
}

#[test]
fn a_network_file_system_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let file_system = |_: &Path| Ok(FileSystem { magic: 0x6969, name: "nfs4".to_owned() });
    let options = Options { file_system, ..options("0.1.0") };
    let error = Store::open(&directory.path().join("cloudbox.db"), &[V1], options).unwrap_err();
    assert!(error.to_string().contains("network file system (NFS)"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    std::fs::write(&path, "this was never a database, whatever its name says; it is long enough to be looked at")
        .unwrap();
    let error = open(&path, &[V1], "0.1.0").unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("restore a backup"), "{error}");

    std::fs::remove_file(&path).unwrap();
    let store = open(&path, &[V1], "0.1.0").unwrap();
    store
        .write(|db| {
            for number in 0..2000 {
                query::execute(db, "INSERT INTO images (id) VALUES (?1)", [format!("{number:0100}")])?;
            }
            Ok::<_, store::Error>(())
        })
        .await
        .unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5A);
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path, &[V1], "0.1.0").unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
}

#[test]
fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let error = open(&path, &[V1], "0.1.0").unwrap_err();
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error:?}");
}

#[tokio::test]
async fn only_the_owner_can_read_what_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let store = open(&data.join("cloudbox.db"), &[V1], "0.1.0").unwrap();
    store.backup(&data.join("backup.db")).await.unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["cloudbox.db", "cloudbox.db-wal", "cloudbox.lock", "backup.db"] {
        let mode = std::fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_backup_is_whole_while_writes_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    let store = open(&path, &[V1], "0.1.0").unwrap();
    // Two rows at a time: a copy with an odd number would be torn.
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..400 {
                store
                    .write(move |db| {
                        query::execute(db, "INSERT INTO images (id) VALUES (?1)", [format!("a{number}")])?;
                        query::execute(db, "INSERT INTO images (id) VALUES (?1)", [format!("b{number}")])
                    })
                    .await
                    .unwrap();
            }
        }
    });
    let to = directory.path().join("backup.db");
    let mut copies = 0;
    while !writer.is_finished() || copies == 0 {
        store.backup(&to).await.unwrap();
        let copy = Connection::open(&to).unwrap();
        let (whole, rows): (String, i64) = copy
            .query_row("SELECT (SELECT * FROM pragma_integrity_check), count(*) FROM images", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((whole.as_str(), rows % 2), ("ok", 0));
        copies += 1;
    }
    writer.await.unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    let error = store.backup(&path).await.unwrap_err();
    assert!(matches!(error, store::Error::Io { .. }), "a database is not copied onto itself: {error:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn the_schema_is_the_same_text_whichever_way_it_came_about() {
    let direct = Migrations {
        service: "image",
        steps: &["CREATE TABLE images (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '') STRICT;
                  CREATE INDEX images_name ON images (name);"],
    };
    let text = testing::schema(&[direct]);
    assert_eq!(
        text,
        "CREATE TABLE images (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '') STRICT;\n\n\
         CREATE INDEX images_name ON images (name);\n"
    );
    assert!(testing::schema(&[V2]).contains("name TEXT NOT NULL DEFAULT ''"));
}

#[test]
#[should_panic(expected = "not STRICT")]
fn a_table_that_is_not_strict_is_refused_by_the_schema_test() {
    let _text = testing::schema(&[Migrations { service: "x", steps: &["CREATE TABLE loose (id TEXT);"] }]);
}
