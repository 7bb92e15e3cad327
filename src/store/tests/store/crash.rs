//! What was acknowledged survives: the process is killed in the middle of its writes, the disk is full.
//!
//! Each scene has a second half that runs in a process of its own: this binary again, asked
//! for that one test, with its directory in the environment. Without that it returns at once.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use store::{Connection, Error, Migrations, OpenError, Options, Store, params, query};

const DIRECTORY: &str = "STORE_TEST_DIRECTORY";

const MIGRATIONS: Migrations =
    Migrations { service: "test", steps: &["CREATE TABLE items (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"] };

fn open(directory: &Path) -> Result<Store, OpenError> {
    Store::open(&directory.join("cloudbox.db"), &[MIGRATIONS], Options::default())
}

fn insert(db: &Connection, id: i64, size: usize) -> Result<(), Error> {
    query::execute(db, "INSERT INTO items (id, data) VALUES (?1, ?2)", params![id, vec![7_u8; size]]).map(drop)
}

async fn assert_whole(store: &Store) {
    let found: String = store.read(|db| query::one(db, "PRAGMA integrity_check", [], |row| row.get(0))).await.unwrap();
    assert_eq!(found, "ok");
}

/// The directory given to this process, when it is a second half.
fn given_directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

#[tokio::test]
async fn second_half_writes_until_killed() {
    let Some(directory) = given_directory() else { return };
    let store = open(&directory).unwrap();
    let first: i64 = store
        .read(|db| query::one(db, "SELECT ifnull(max(id), 0) + 1 FROM items", [], |row| row.get(0)))
        .await
        .unwrap();
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0.. {
                let id = first + round * 8 + writer;
                if round % 4 == 3 {
                    store.write_relaxed(move |db| insert(db, id, 2000)).await.unwrap();
                } else {
                    store.write(move |db| insert(db, id, 2000)).await.unwrap();
                    writeln!(std::io::stdout(), "ack {id}").unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn every_acknowledged_write_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for acks in [40, 150, 333] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::second_half_writes_until_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            if let Some(id) = line.unwrap().strip_prefix("ack ") {
                acknowledged.push(id.parse::<i64>().unwrap());
                seen += 1;
                if seen == acks {
                    child.kill().unwrap();
                }
            }
        }
        assert!(seen >= acks, "the second half ended by itself after {seen} writes");
        child.wait().unwrap();

        let store = open(directory.path()).unwrap();
        assert_whole(&store).await;
        let kept: Vec<i64> =
            store.read(|db| query::all(db, "SELECT id FROM items", [], |row| row.get(0))).await.unwrap();
        let kept: std::collections::BTreeSet<_> = kept.into_iter().collect();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !kept.contains(id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        store.close().await;
    }
}

/// Runs the test `name` of this binary in a mount namespace of its own, with a tmpfs (`options`) as its
/// directory. Where that is not allowed it says so, and the scene is not played.
fn on_tmpfs(name: &str, options: &str) {
    let directory = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o \"$1\" none \"$2\" && shift 2 || exit 77; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh", options])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            // A name that no test has would be a success, too.
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{name} was not run");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        }
        other => eprintln!("SKIPPED: {name} needs a mount namespace and tmpfs (root): {other:?}"),
    }
}

#[tokio::test]
async fn second_half_fills_the_disk() {
    let Some(directory) = given_directory() else { return };
    let filler = directory.join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let store = open(&directory).unwrap();
    let mut written = 0;
    let refused = loop {
        let id = written + 1;
        match store.write(move |db| insert(db, id, 50_000)).await {
            Ok(()) => written = id,
            Err(error) => break error,
        }
        assert!(written < 1000, "the disk never fills");
    };
    assert!(matches!(refused, Error::Full(_)), "{refused:?}");
    assert!(kit::Fault::from(refused).message().contains("disk is full"));
    let count = |db: &Connection| query::one(db, "SELECT count(*) FROM items", [], |row| row.get::<_, i64>(0));
    assert!(written > 5);
    assert_eq!(store.read(count).await.unwrap(), written, "what was acknowledged is there, the refused one is not");
    let backup = store.backup(&directory.join("backup.db")).await.unwrap_err();
    assert!(matches!(backup, Error::Full(_)), "{backup:?}");
    assert!(!directory.join("backup.db").exists() && !directory.join("backup.db.partial").exists());
    std::fs::remove_file(filler).unwrap();
    store.write(move |db| insert(db, written + 1, 50_000)).await.unwrap();
    assert_whole(&store).await;
    store.close().await;
}

#[test]
fn a_full_disk_is_an_error_and_no_more() {
    on_tmpfs("crash::second_half_fills_the_disk", "size=4m");
}

#[tokio::test]
async fn second_half_opens_on_a_full_disk() {
    let Some(directory) = given_directory() else { return };
    let error = open(&directory).unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("free some space"), "{error}");
}

#[test]
fn opening_on_a_full_disk_says_so() {
    on_tmpfs("crash::second_half_opens_on_a_full_disk", "size=12k");
}

#[tokio::test]
async fn second_half_opens_read_only() {
    let Some(directory) = given_directory() else { return };
    let error = open(&directory).unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains("mounted read-only"), "{error}");
}

#[test]
fn opening_in_a_read_only_directory_says_so() {
    on_tmpfs("crash::second_half_opens_read_only", "ro");
}
