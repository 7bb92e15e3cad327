//! What the host remembers of a guest in its directory: what its domain is made of beyond what conductor knows.
//!
//! Its image may have changed or be gone when a guest is started again; its disk and its properties stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hypervisor::DiskFormat;
use serde::{Deserialize, Serialize};

use crate::disks::{DiskError, blocking};

/// The file's name.
pub(crate) const NAME: &str = "instance.json";

/// A base image, by its name in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// The file's name.
    pub file: String,
    /// Its format.
    pub format: DiskFormat,
}

/// What the host remembers of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The image's `hw_*` properties.
    pub properties: BTreeMap<String, String>,
    /// What the root disk lies on; none when it is a volume.
    pub base: Option<Base>,
}

/// Of an image's properties those that describe hardware, and what copying its guests' disks takes.
pub(crate) fn hardware(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    properties
        .iter()
        .filter(|(name, _)| name.starts_with("hw_") || *name == "os_require_quiesce")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// Whether the property `name` says yes.
pub(crate) fn truth(properties: &BTreeMap<String, String>, name: &str) -> bool {
    properties.get(name).is_some_and(|value| matches!(value.to_lowercase().as_str(), "yes" | "true" | "1" | "on"))
}

impl Record {
    /// The record in a guest's directory; an empty one where there is none. Away from the async workers.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn of(directory: PathBuf) -> Result<Self, DiskError> {
        blocking(move || match Self::read(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            read => read.map_err(DiskError::io("reading a guest's record")),
        })
        .await
    }

    /// Reads the record in a guest's directory.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(directory.join(NAME))?)?)
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        let draft = directory.join("instance.json.new");
        std::fs::write(&draft, serde_json::to_vec(self)?)?;
        std::fs::rename(draft, directory.join(NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let properties = BTreeMap::from([("hw_disk_bus".to_owned(), "scsi".to_owned()), ("os".into(), "x".into())]);
        let base = Some(Base { file: "ab.raw".into(), format: DiskFormat::Raw });
        let record = Record { properties: hardware(&properties), base };
        record.write(dir.path()).unwrap();
        assert_eq!(Record::read(dir.path()).unwrap(), record);
        assert_eq!(record.properties.len(), 1);
    }
}
