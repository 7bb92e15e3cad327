//! Opening the database: everything that can be in the way is found here, before anything is served.
//!
//! The order matters: the file system first, the lock before the file is touched, the version
//! before it is written, the copy before it is migrated.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::backup;
use crate::connection;
use crate::error::{Error, is_full};
use crate::file_system::FileSystem;
use crate::lock::DirectoryLock;
use crate::metrics::Counters;
use crate::migrate::{self, APPLICATION_ID, Migrations};
use crate::reader::Reader;
use crate::store::{Inner, Queue};
use crate::writer::Writer;

/// Copies from before a migration that are kept.
const COPIES: usize = 3;

/// Up to this size the whole file is checked at each start; a larger one only after an unclean end.
const CHECKED_ALWAYS: u64 = 64 << 20;

/// How a store is opened; the defaults are for serving.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that read.
    pub readers: usize,
    /// Jobs that may wait for the writer.
    pub write_queue: usize,
    /// Jobs that may wait for the readers.
    pub read_queue: usize,
    /// The longest that a caller waits for an answer.
    pub timeout: Duration,
    /// This cloudbox's version, as a later one's message and the names of copies show it.
    pub version: String,
    /// Whether commits wait for the disk. Only throw-away databases of tests do without.
    pub sync: bool,
    /// Asks what file system a directory is on.
    pub file_system: fn(&Path) -> io::Result<FileSystem>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 2,
            write_queue: 1024,
            read_queue: 1024,
            timeout: Duration::from_secs(30),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sync: true,
            file_system: FileSystem::of,
        }
    }
}

/// Why a database cannot be opened, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("the data directory is in use by {}: {} is locked; stop it first",
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("the process with id {pid}")), path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who has it, where the file says so.
        pid: Option<u32>,
    },
    /// The directory is on a network file system.
    #[error("{} is on a network file system ({kind}), where a database is not safe; put the data directory on a local disk", path.display())]
    NetworkFileSystem {
        /// The directory.
        path: PathBuf,
        /// Which file system.
        kind: String,
    },
    /// A newer cloudbox has written it.
    #[error(
        "the database was written by cloudbox {written_by}, and this is cloudbox {own} ({service}: schema version {found}, \
         this one knows {known}); install cloudbox {written_by} or newer"
    )]
    Newer {
        /// The service whose tables are newer.
        service: String,
        /// Its schema's version in the file.
        found: usize,
        /// The newest version that this binary knows.
        known: usize,
        /// The cloudbox that wrote it.
        written_by: String,
        /// This cloudbox.
        own: String,
    },
    /// The file belongs to some other program.
    #[error("{} is an SQLite database, but not one of cloudbox", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "the database is damaged ({detail}); restore a backup, or a copy named cloudbox.db.before-<version> beside it"
    )]
    Corrupt {
        /// What is wrong with it.
        detail: String,
    },
    /// No room on the disk.
    #[error("{doing}: the disk is full; free some space and start again")]
    Full {
        /// What was being done.
        doing: String,
    },
    /// The directory or the file cannot be written.
    #[error("{doing}: it cannot be written; check its owner, its permissions, and whether it is mounted read-only")]
    ReadOnly {
        /// What was being done.
        doing: String,
        /// How it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration step failed; the database is as it was before.
    #[error("migrating the tables of {service} failed at step {step}; the database is unchanged")]
    Migration {
        /// Whose step.
        service: &'static str,
        /// Which, from 1.
        step: usize,
        /// How it failed.
        source: rusqlite::Error,
    },
    /// A migration step began or ended a transaction: a defect of this binary.
    #[error("step {step} of the migrations of {service} ended the transaction that it ran in")]
    MigrationEndedTransaction {
        /// Whose step.
        service: &'static str,
        /// Which, from 1.
        step: usize,
    },
    /// After the migrations a row refers to one that is not there; the database is as it was before.
    #[error("the migrations leave rows of {table} that refer to nothing; the database is unchanged")]
    DanglingReference {
        /// The table with such rows.
        table: String,
    },
    /// The copy before a migration failed.
    #[error("copying the database to {} before its migration failed", path.display())]
    Copy {
        /// Where the copy was to be.
        path: PathBuf,
        /// How it failed.
        source: Error,
    },
    /// Another failure of the file system.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// How it failed.
        source: io::Error,
    },
    /// Another failure of SQLite.
    #[error("{doing}")]
    Sql {
        /// What was being done.
        doing: String,
        /// How it failed.
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub(crate) fn from_io(doing: String, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { doing },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { doing: format!("opening {}", path.display()), source: Box::new(source) }
            }
            _ => Self::Io { doing, source },
        }
    }

    pub(crate) fn from_sql(doing: &str, source: rusqlite::Error) -> Self {
        let doing = doing.to_owned();
        match source.sqlite_error_code() {
            _ if is_full(&source) => Self::Full { doing },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { doing, source: Box::new(source) }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { detail: source.to_string() },
            _ => Self::Sql { doing, source },
        }
    }
}

/// Opens the database at `path` and starts its threads.
pub(crate) fn open(path: &Path, migrations: &[Migrations], options: Options) -> Result<Inner, OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    prepare_directory(directory, options.file_system)?;
    let lock = DirectoryLock::take(&path.with_extension("lock"))?;
    let check = needs_check(path);
    make_file(path)?;
    let db = connection::open_writer(path).map_err(|error| OpenError::from_sql("opening the database", error))?;
    check_file(&db, path, check).map_err(|error| match error {
        CheckError::Open(error) => error,
        CheckError::Sql(error) => OpenError::from_sql("reading the database", error),
    })?;
    bring_up_to_date(&db, path, migrations, &options.version)?;
    start(db, path, lock, &options)
}

fn prepare_directory(directory: &Path, file_system: fn(&Path) -> io::Result<FileSystem>) -> Result<(), OpenError> {
    let doing = |what: &str| format!("{what} {}", directory.display());
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| OpenError::from_io(doing("making"), directory, error))?;
    let found = file_system(directory).map_err(|error| OpenError::from_io(doing("examining"), directory, error))?;
    match found.network_kind() {
        Some(kind) => Err(OpenError::NetworkFileSystem { path: directory.to_owned(), kind: kind.to_owned() }),
        None => Ok(()),
    }
}

/// Makes the file before SQLite does, so that only its owner can read it; the log takes its permissions from it.
fn make_file(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::from_io(format!("making {}", path.display()), path, error)),
    }
}

/// Whether the whole file is worth a check: it is small, or a log was left behind by an unclean end.
fn needs_check(path: &Path) -> bool {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    size(path) <= CHECKED_ALWAYS || size(Path::new(&log)) > 0
}

enum CheckError {
    Open(OpenError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for CheckError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Refuses a file of another program, or a damaged one.
fn check_file(db: &Connection, path: &Path, whole: bool) -> Result<(), CheckError> {
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(CheckError::Open(OpenError::NotOurs { path: path.to_owned() }));
    }
    if whole {
        let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(CheckError::Open(OpenError::Corrupt { detail: found }));
        }
    }
    Ok(())
}

fn bring_up_to_date(db: &Connection, path: &Path, migrations: &[Migrations], own: &str) -> Result<(), OpenError> {
    let applied = migrate::applied(db).map_err(|error| OpenError::from_sql("reading the database's version", error))?;
    if !migrate::is_behind(&applied, migrations, own)? {
        return Ok(());
    }
    if !applied.is_empty() {
        copy_before(path, own)?;
    }
    migrate::migrate(db, &applied, migrations, own)
}

/// Copies the file to `<path>.before-<version>` and removes the oldest of such copies.
fn copy_before(path: &Path, own: &str) -> Result<(), OpenError> {
    let mut prefix = path.as_os_str().to_owned();
    prefix.push(".before-");
    let prefix = PathBuf::from(prefix);
    let mut copy = prefix.clone().into_os_string();
    copy.push(own);
    let copy = PathBuf::from(copy);
    backup::copy_file(path, &copy).map_err(|error| match error {
        Error::Full(_) => OpenError::Full { doing: format!("copying the database to {}", copy.display()) },
        Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            OpenError::Full { doing: format!("copying the database to {}", copy.display()) }
        }
        source => OpenError::Copy { path: copy.clone(), source },
    })?;
    tracing::info!(path = %copy.display(), "copied the database before its migration");
    if let Err(error) = prune(&prefix) {
        tracing::warn!(%error, "old copies of the database could not be removed");
    }
    Ok(())
}

/// Removes all but the newest copies whose paths begin with `prefix`.
fn prune(prefix: &Path) -> io::Result<()> {
    let (Some(directory), Some(name)) = (prefix.parent(), prefix.file_name()) else { return Ok(()) };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let mut copies = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes()) {
            copies.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    copies.sort();
    let surplus = copies.len().saturating_sub(COPIES);
    for (_, path) in copies.into_iter().take(surplus) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn start(db: Connection, path: &Path, lock: DirectoryLock, options: &Options) -> Result<Inner, OpenError> {
    let counters = Arc::new(Counters::default());
    let sql = |error| OpenError::from_sql("opening the database", error);
    let (read_sender, read_queue) = flume::bounded(options.read_queue.max(1));
    let mut readers = Vec::new();
    for number in 0..options.readers.max(1) {
        let reader = Reader::new(
            connection::open_reader(path).map_err(sql)?,
            read_queue.clone(),
            Arc::clone(&counters),
            options.timeout,
        )
        .map_err(sql)?;
        readers.push(spawn(&format!("store-reader-{number}"), move || reader.run())?);
    }
    let (write_sender, write_queue) = flume::bounded(options.write_queue.max(1));
    let writer = Writer::new(db, path, write_queue, Arc::clone(&counters), lock, options).map_err(sql)?;
    let writer = spawn("store-writer", move || writer.run())?;
    Ok(Inner {
        path: path.to_owned(),
        counters,
        reads: Mutex::new(Queue { sender: Some(read_sender), threads: readers }),
        writes: Mutex::new(Queue { sender: Some(write_sender), threads: vec![writer] }),
        timeout: options.timeout,
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|source| OpenError::Io { doing: format!("starting the thread {name}"), source })
}
