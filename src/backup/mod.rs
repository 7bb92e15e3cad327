//! Backups of a whole cloud: one file with its database, keys, configuration, images and, where wanted, volumes and disks of servers.
//!
//! A backup is a tar archive compressed with zstd. Its first entry ([`HEAD`]) says what it is, its last ([`MANIFEST`]) has the
//! size, mode and SHA-256 of every file in between: an archive that was cut off has none and is told from a whole one.
//!
//! Invariants:
//! * it is made while the cloud runs, from one snapshot of the database; every image that this snapshot has bytes of is in it;
//! * a file with the final name is whole and on the disk; whatever fails leaves nothing behind;
//! * a disk that changed while it was copied makes the backup fail, unless the file system can copy it at once (reflink);
//! * it is restored into an empty directory alone, the database last, and nothing is believed that does not match its sum.
//!
//! What is not in it is told when it is made ([`left_out`]).

mod archive;
mod create;
mod left_out;
mod read;
mod restore;
mod stage;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use create::{Plan, create};
pub use left_out::left_out;
pub use read::{list, verify};
pub use restore::{RESTORING, restore};

/// The first entry of an archive.
const HEAD: &str = "cloudbox-backup.json";
/// The last.
const MANIFEST: &str = "manifest.json";
/// The database's name, in the archive and in the data directory.
const DATABASE: &str = "cloudbox.db";
/// Where the configuration file is, in the archive and after a restore.
const CONFIGURATION: &str = "cloudbox.toml.restored";
/// The form of archive that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form of the archive.
    pub format: u32,
    /// The cloudbox that made it.
    pub cloudbox: String,
    /// When.
    pub created_at: jiff::Timestamp,
    /// Where.
    pub host: String,
    /// Whether volumes are in it.
    pub volumes: bool,
    /// Whether the disks of servers are in it; before 0.2.0 they never were.
    #[serde(default)]
    pub servers: bool,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is.
    #[serde(flatten)]
    pub head: Head,
    /// The version of each service's tables.
    pub schema: BTreeMap<String, usize>,
    /// The directories that the files are in, and their permissions.
    pub directories: BTreeMap<String, u32>,
    /// Every file, in the archive's order.
    pub files: Vec<Entry>,
}

/// A file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is, below the data directory.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its permissions.
    pub mode: u32,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Why there is no backup, or it cannot be used: in words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no cloud.
    #[error("there is no cloud in {}", .0.display())]
    NoCloud(PathBuf),
    /// The disk is full.
    #[error("{doing}: the disk is full; free some space and try again")]
    Full {
        /// What was being done.
        doing: String,
    },
    /// The file system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        source: io::Error,
    },
    /// The database refused.
    #[error("{doing}: {reason}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Why not.
        reason: String,
    },
    /// Files come and go faster than they can be kept.
    #[error("images are deleted faster than they can be kept ({0}); try again")]
    Restless(String),
    /// A volume or a server's disk changed meanwhile.
    #[error(
        "{0} changed while it was copied: a server writes to it; stop the server or detach the volume, leave volumes and servers \
             out, or keep them on a file system that copies a file at once (btrfs, XFS)"
    )]
    Changed(String),
    /// It is no backup.
    #[error("{} is no backup of cloudbox: {reason}", path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// A part of it is missing.
    #[error("{} was cut off: its list of files is missing; it cannot be used", .0.display())]
    CutOff(PathBuf),
    /// It is damaged.
    #[error("the backup is damaged: {0}; use another one")]
    Damaged(String),
    /// A newer cloudbox made it.
    #[error(
        "the backup was made by cloudbox {made_by}, and this is cloudbox {own}; install cloudbox {made_by} or newer"
    )]
    Newer {
        /// The cloudbox that made it.
        made_by: String,
        /// This one.
        own: &'static str,
    },
    /// There is something already.
    #[error("{} is not empty ({found} is there): a backup is restored into an empty directory only; move it away first", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: String,
    },
}

impl BackupError {
    /// The failure `source` of `doing` something.
    fn io(doing: impl Into<String>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { doing: doing.into() },
            _ => Self::Io { doing: doing.into(), source },
        }
    }

    /// For `map_err`: the failure of doing something to `path`.
    fn at<'p>(doing: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + 'p {
        move |source| Self::io(format!("{doing} {}", path.display()), source)
    }
}

/// What a backup answers.
pub type Result<T> = std::result::Result<T, BackupError>;

/// Brings the directory itself to the disk: the names in it.
fn sync_directory(path: &Path) -> Result<()> {
    let directory = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(BackupError::at("bringing to the disk", directory))
}
