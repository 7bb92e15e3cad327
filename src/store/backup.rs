//! Copies of the whole database, taken while it is in use.
//!
//! A copy is written beside its place, brought to the disk and then renamed: a file with the final name
//! is whole.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::connection;
use crate::error::Error;

/// Copies the database at `from` to `to`.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let same = from.canonicalize().ok().is_some_and(|from| to.canonicalize().is_ok_and(|to| from == to));
    if same {
        let itself = std::io::Error::new(std::io::ErrorKind::InvalidInput, "a database cannot be copied onto itself");
        return Err(Error::io("copying the database", itself));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy_pages(from, &partial).and_then(|()| put_in_place(&partial, to));
    if copied.is_err()
        && let Err(error) = std::fs::remove_file(&partial)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %partial.display(), %error, "an unfinished copy of the database stays behind");
    }
    copied
}

fn copy_pages(from: &Path, partial: &Path) -> Result<(), Error> {
    // Made first, so that nobody else can read what is in it; the database holds tenants' data.
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(partial);
    made.map_err(|error| Error::io(format!("making {}", partial.display()), error))?;
    let source = connection::open_reader(from)?;
    let mut target = Connection::open(partial)?;
    // All pages in one step are one snapshot; with several, each commit in between would start it over.
    let step = Backup::new(&source, &mut target)?.step(-1)?;
    if step != StepResult::Done {
        return Err(Error::Timeout);
    }
    // The copy says of itself, as the original does, that it has a log; without one it is a single file
    // that can be looked at from read-only media. Opening it as a store turns the log on again.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| Error::from(error))
}

fn put_in_place(partial: &Path, to: &Path) -> Result<(), Error> {
    let directory = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(partial, to))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|error| Error::io(format!("writing {}", to.display()), error))
}
