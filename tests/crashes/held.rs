//! What a cloud that is stopped holds: rows and files. What is the same before and after is not lost and not left behind.

use std::collections::BTreeMap;
use std::path::Path;

use store::rusqlite::Connection;

use crate::wait::PATIENCE;

/// Tables that tell what was: they grow, and nothing is held by them.
const HISTORY: &[&str] = &[
    "compute_actions",
    "compute_action_events",
    "compute_spans",
    "compute_faults",
    "admin_audit",
    "image_tasks",
    // The last moment at which something was issued or revoked.
    "identity_moments",
    // Free ranges of addresses: how they are cut into pieces says nothing. The taken ones are counted.
    "network_free",
];

/// What is held, by table or directory.
pub type Held = BTreeMap<String, Vec<String>>;

/// What the cloud in `directory`, which is stopped, holds.
pub fn held(directory: &Path) -> Held {
    let data = directory.join("data");
    let mut held = rows(&data.join("cloudbox.db"));
    for part in ["instances", "images", "image-staging", "volumes", "fake-guests", "run", "image-cache"] {
        held.insert(part.to_owned(), files(&data.join(part), part));
    }
    held
}

/// How many workflows of the cloud in `directory`, which may run, are not over.
pub fn journals(directory: &Path) -> usize {
    let db = Connection::open(directory.join("data/cloudbox.db")).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    let sql = "SELECT (SELECT count(*) FROM compute_journals) + (SELECT count(*) FROM volume_journals)
               + (SELECT count(*) FROM image_journals)";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
}

/// The keys of every table's rows, those of deleted servers aside.
fn rows(database: &Path) -> Held {
    let db = Connection::open(database).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut query = db.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let tables = names("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1");
    let tables = tables.into_iter().filter(|table| !HISTORY.contains(&table.as_str()));
    let count = |table: String| {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let alive = if columns.iter().any(|column| column == "deleted_at") { "WHERE deleted_at IS NULL" } else { "" };
        let key = columns.first().unwrap();
        let keys = names(&format!("SELECT CAST({key} AS TEXT) FROM {table} {alive} ORDER BY 1"));
        (table, keys)
    };
    tables.map(count).collect()
}

/// All files. Whole images in the cache stay for the next guest.
fn files(directory: &Path, part: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(directory, &mut found);
    found.sort();
    found.retain(|path| part != "image-cache" || path.ends_with(".part"));
    found.iter().map(|path| path.strip_prefix(directory.to_str().unwrap()).unwrap().to_owned()).collect()
}

fn walk(directory: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.map(Result::unwrap) {
        found.push(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        }
    }
}

/// What is in one and not in the other.
pub fn difference(before: &Held, after: &Held) -> Vec<String> {
    let mut found = Vec::new();
    for (part, now) in after {
        let was = before.get(part).cloned().unwrap_or_default();
        let (mut gone, mut left) = (was.clone(), now.clone());
        gone.retain(|key| !now.contains(key));
        left.retain(|key| !was.contains(key));
        if was.len() != now.len() || !gone.is_empty() || !left.is_empty() {
            found.push(format!("{part}: left behind {left:?}, lost {gone:?}"));
        }
    }
    found
}
