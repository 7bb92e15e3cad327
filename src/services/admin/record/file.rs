//! A file of records: a line of JSON each.
//!
//! It is opened anew when it is no longer where it was, so that it can be renamed away at any time; a signal is not needed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The file.
pub(super) struct Log {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl Log {
    /// The file at `path`, which is opened when it is first written.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::default() }
    }

    /// Adds `lines`; whether that went well.
    pub(super) fn append<'l>(&self, lines: impl Iterator<Item = &'l str>) -> bool {
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.current(&mut open).and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = &written {
            tracing::error!(path = %self.path.display(), %error, "the audit file cannot be written");
            *open = None;
        }
        written.is_ok()
    }

    /// The file that is at the path now.
    fn current<'f>(&self, open: &'f mut Option<File>) -> std::io::Result<&'f File> {
        let there = std::fs::metadata(&self.path).ok().map(|about| (about.dev(), about.ino()));
        let ours = open.as_ref().and_then(|file| file.metadata().ok()).map(|about| (about.dev(), about.ino()));
        if there.is_none() || there != ours {
            *open = None;
        }
        match open {
            Some(file) => Ok(file),
            None => {
                let file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.path)?;
                Ok(open.insert(file))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_renamed_away_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.json");
        let log = Log::new(path.clone());
        assert!(log.append(["1", "2"].into_iter()));
        std::fs::rename(&path, directory.path().join("audit.json.1")).unwrap();
        assert!(log.append(["3"].into_iter()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "3\n");
        assert_eq!(std::fs::read_to_string(directory.path().join("audit.json.1")).unwrap(), "1\n2\n");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o007, 0, "it is not for everybody");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told() {
        assert!(!Log::new(PathBuf::from("/nonexistent/audit.json")).append(["1"].into_iter()));
    }
}
