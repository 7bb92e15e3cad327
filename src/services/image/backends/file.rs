//! A store in a directory: `<directory>/<sha512>`, and `<directory>/incoming/` for what is on its way.
//!
//! A file takes its final name only when it is whole and on the disk.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::blocking;
use super::draft::{self, Draft};

/// The directory of drafts.
const INCOMING: &str = "incoming";

/// A store.
#[derive(Debug)]
pub struct FileStore {
    id: String,
    description: String,
    directory: PathBuf,
}

impl FileStore {
    /// A store in `directory`, which [`FileStore::prepare`] makes ready.
    pub fn new(id: &str, description: &str, directory: PathBuf) -> Self {
        Self { id: id.to_owned(), description: description.to_owned(), directory }
    }

    /// Its name in the API.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is, for people; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the bytes with this hash are, if they are here.
    pub fn path(&self, sha512: &str) -> PathBuf {
        self.directory.join(sha512)
    }

    /// A place for bytes that come in.
    pub fn draft(&self) -> Draft {
        Draft::new(self.directory.join(INCOMING).join(uuid::Uuid::new_v4().simple().to_string()))
    }

    /// Whether the bytes with this hash are here.
    pub async fn holds(&self, sha512: &str) -> bool {
        tokio::fs::try_exists(self.path(sha512)).await.unwrap_or(false)
    }

    /// Keeps `draft`, whose bytes are on the disk, as the bytes with this hash. Where they are already here, it goes.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn keep(&self, draft: Draft, sha512: &str) -> io::Result<()> {
        let (new, old) = (draft.path().to_owned(), self.path(sha512));
        let same = blocking(move || {
            let length = std::fs::metadata(&new)?.len();
            match std::fs::metadata(&old) {
                Ok(there) => Ok(there.len() == length),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        });
        if same.await? {
            draft.discard().await;
            return Ok(());
        }
        draft.publish(self.path(sha512)).await
    }

    /// Removes the bytes with this hash; fine when they are not here.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn remove(&self, sha512: &str) -> io::Result<()> {
        let path = self.path(sha512);
        blocking(move || draft::remove(&path)).await
    }

    /// Makes the directory ready, and removes drafts and the bytes of no image: what a crash left behind.
    ///
    /// Only what has the name of an image's bytes is looked at: there may be other things in a directory of the operator's.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub async fn prepare(&self, known: HashSet<String>, make: bool) -> io::Result<()> {
        let directory = self.directory.clone();
        blocking(move || {
            let incoming = directory.join(INCOMING);
            if make {
                std::fs::create_dir_all(&incoming)?
            } else {
                make_one(&incoming)?
            }
            sweep(&incoming, |_| true)?;
            sweep(&directory, |name| is_ours(name) && !known.contains(name))
        })
        .await
    }
}

/// Makes `directory`, whose parent must be there.
fn make_one(directory: &Path) -> io::Result<()> {
    match std::fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether a file may be an image's bytes: a hash, or an id as earlier versions named them.
fn is_ours(name: &str) -> bool {
    let hash = name.len() == 128 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    hash || (name.len() == 36 && uuid::Uuid::try_parse(name).is_ok())
}

/// Removes the files of `directory` whose names `goes` says so of.
///
/// # Errors
/// What the file system says.
pub fn sweep(directory: &Path, goes: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && name.to_str().is_some_and(&goes) {
            tracing::info!(file = %name.display(), "removed what an upload, an import or a deletion left behind");
            draft::remove(&entry.path())?;
        }
    }
    Ok(())
}
