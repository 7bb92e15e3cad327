//! The embedded database: one writer, many readers, migrations, backup.
//!
//! This crate owns the one SQLite file of a cloudbox: who may open it, its schema's version, the
//! threads on which statements run, what is on the disk when an answer goes out. It knows no table
//! but its own `schema_version`; every service brings its [`Migrations`] and its SQL.
//!
//! Invariants:
//! * one process at a time has the data directory (a lock file), on a local file system;
//! * one thread writes. It takes all waiting jobs into one transaction, a savepoint each, and
//!   replies after the commit: what [`Store::write`] answered is on the disk;
//! * readers cannot write (`query_only`) and see one snapshot for the length of a job;
//! * no statement runs on an async worker, no caller waits without a deadline, no queue is unbounded.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use store::{Migrations, Options, Store, params, query};
//!
//! const MIGRATIONS: Migrations = Migrations {
//!     service: "image",
//!     steps: &["CREATE TABLE image_images (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;"],
//! };
//! let store = Store::open("/var/lib/cloudbox/cloudbox.db".as_ref(), &[MIGRATIONS], Options::default())?;
//! store
//!     .write(|db| query::execute(db, "INSERT INTO image_images (id, name) VALUES (?1, ?2)", params!["i1", "debian"]))
//!     .await?;
//! let names: Vec<String> =
//!     store.read(|db| query::all(db, "SELECT name FROM image_images", [], |row| row.get("name"))).await?;
//! # assert_eq!(names, ["debian"]);
//! # store.close().await; Ok(()) }
//! ```

mod backup;
mod columns;
mod connection;
mod error;
mod file_system;
mod inspect;
mod job;
mod lock;
mod metrics;
mod migrate;
mod open;
pub mod query;
mod reader;
mod regexp;
mod store;
pub mod testing;
mod watch;
mod writer;

pub use columns::Columns;
pub use error::{ConstraintKind, Error};
pub use file_system::FileSystem;
pub use inspect::{Inspection, copy, inspect, look};
pub use lock::DirectoryLock;
pub use metrics::{GROUP_BOUNDS, Metrics, QueueMetrics};
pub use migrate::Migrations;
pub use open::{OpenError, Options};
pub use rusqlite::{
    self, Connection, OptionalExtension, Row, ToSql, named_params, params, params_from_iter, types, types::Value,
};
pub use store::Store;
