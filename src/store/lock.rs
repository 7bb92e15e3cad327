//! The lock on the data directory: one process at a time.
//!
//! The kernel drops the lock when its holder dies, however it dies; the file stays, and its text
//! (the holder's process id) is only there to be named to the one who comes second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::open::OpenError;

/// A locked data directory, until it is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock at `path` (a database's path with the extension `lock`), making the file where it is missing.
    ///
    /// # Errors
    /// When another process has it, or the file cannot be written.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        let doing = || format!("locking {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| OpenError::from_io(doing(), path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Best effort: without the pid the message is poorer, and true all the same.
                let _read = file.read_to_string(&mut pid);
                return Err(OpenError::Locked { path: path.to_owned(), pid: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::from_io(doing(), path, error)),
        }
        write_pid(&mut file).map_err(|error| OpenError::from_io(doing(), path, error))?;
        Ok(Self { _file: file })
    }
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cloudbox.lock");
        std::fs::write(&path, "a longer text of an earlier life\n").unwrap();
        let first = DirectoryLock::take(&path).unwrap();
        let refused = DirectoryLock::take(&path).unwrap_err();
        assert!(matches!(&refused, OpenError::Locked { pid: Some(pid), .. } if *pid == std::process::id()));
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        DirectoryLock::take(&path).unwrap();
    }
}
