//! Keeping files as they are while they are read: a link or a copy of each in a directory of its own beside them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{BackupError, Result};

/// How staging directories are called, with the id of the process that made one.
const PREFIX: &str = ".backup-";

/// A directory below the data directory, which goes when this is dropped.
pub(super) struct Stage {
    data_dir: PathBuf,
    directory: PathBuf,
    /// Where each file can be read, by its path below the data directory.
    pub(super) files: BTreeMap<PathBuf, PathBuf>,
}

impl Stage {
    /// Makes one in `data_dir`, and removes those of processes that are gone.
    pub(super) fn new(data_dir: &Path) -> Result<Self> {
        remove_abandoned(data_dir);
        let directory = data_dir.join(format!("{PREFIX}{}", std::process::id()));
        std::fs::create_dir(&directory).map_err(BackupError::at("making", &directory))?;
        Ok(Self { data_dir: data_dir.to_owned(), directory, files: BTreeMap::new() })
    }

    /// A place in it.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Keeps every file below `path` that is not kept yet, as long as its name lasts: by a second name, where the file system
    /// has that, else under its own. Files that never change once they are there.
    pub(super) fn link(&mut self, path: &Path) -> Result<()> {
        for file in files_below(&self.data_dir.join(path))? {
            let Ok(relative) = file.strip_prefix(&self.data_dir) else { continue };
            if self.files.contains_key(relative) {
                continue;
            }
            let kept = self.place(&format!("link-{}", self.files.len()));
            let source = match std::fs::hard_link(&file, &kept) {
                Ok(()) => kept,
                // It has just gone: so it is nothing that the database knows.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => file.clone(),
            };
            self.files.insert(relative.to_owned(), source);
        }
        Ok(())
    }

    /// Keeps the file as it is at this moment, where the file system can; whether it could.
    pub(super) fn reflink(&mut self, path: &Path) -> Result<bool> {
        let source = self.data_dir.join(path);
        let kept = self.place(&format!("copy-{}", self.files.len()));
        let from = File::open(&source).map_err(BackupError::at("opening", &source))?;
        let to = File::create(&kept).map_err(BackupError::at("making", &kept))?;
        let copied = rustix::fs::ioctl_ficlone(&to, &from).is_ok();
        self.files.insert(path.to_owned(), if copied { kept } else { source });
        Ok(copied)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            tracing::warn!(path = %self.directory.display(), %error, "a directory of a backup stays behind");
        }
    }
}

/// Whether `name` is that of a staging directory.
pub(super) fn is_stage(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn remove_abandoned(data_dir: &Path) {
    let Ok(entries) = std::fs::read_dir(data_dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|pid| pid.parse::<u32>().ok());
        let abandoned =
            pid.is_some_and(|pid| pid == std::process::id() || !Path::new(&format!("/proc/{pid}")).exists());
        if abandoned && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "what a backup left behind cannot be removed");
        }
    }
}

/// All regular files below `path`, or itself, in order; none where it is not there.
pub(super) fn files_below(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let kind = match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about.map_err(BackupError::at("looking at", &path))?.file_type(),
        };
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() {
            let entries = std::fs::read_dir(&path).map_err(BackupError::at("reading", &path))?;
            for entry in entries {
                waiting.push(entry.map_err(BackupError::at("reading", &path))?.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
