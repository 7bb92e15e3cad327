//! A file that is not an image yet.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::blocking;

/// A file that goes when nobody wants it any more, unless it got another name.
#[derive(Debug)]
pub struct Draft(Option<PathBuf>);

impl Draft {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    /// Removes it now.
    pub async fn discard(mut self) {
        if let Some(path) = self.0.take() {
            let removed = blocking(move || remove(&path)).await;
            if let Err(error) = removed {
                tracing::warn!(%error, "a draft stays behind until the next start");
            }
        }
    }

    /// Names it `target`, for good: it is in the directory when this returns. Its bytes must be on the disk already.
    ///
    /// # Errors
    /// What the file system says; the draft is gone then.
    pub async fn publish(mut self, target: PathBuf) -> io::Result<()> {
        let Some(path) = self.0.take() else { return Ok(()) };
        let (from, to) = (path.clone(), target);
        let renamed = blocking(move || {
            std::fs::rename(&from, &to)?;
            sync_directory(&to)
        })
        .await;
        if renamed.is_err() {
            Self(Some(path)).discard().await;
        }
        renamed
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        let go = move || {
            if let Err(error) = remove(&path) {
                tracing::warn!(%error, "a draft stays behind until the next start");
            }
        };
        // Only what was cut off comes here.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(go)),
            Err(_) => go(),
        }
    }
}

/// Removes the file at `path`; fine when there is none.
///
/// # Errors
/// What the file system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the directory of `path` to the disk.
///
/// # Errors
/// What the file system says.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
