//! What goes from the cache. Blocking.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::DRAFT;
use crate::disks::DiskError;
use crate::guest::record::Record;

/// How long an image stays that no guest lies on.
const UNUSED: Duration = Duration::from_secs(86_400);

/// Removes all drafts: nobody writes any.
pub(super) fn clear_drafts(directory: &Path) -> Result<(), DiskError> {
    for entry in std::fs::read_dir(directory).map_err(DiskError::io("listing the image cache"))? {
        let path = entry.map_err(DiskError::io("listing the image cache"))?.path();
        if path.extension().is_some_and(|extension| extension == DRAFT) {
            std::fs::remove_file(&path).map_err(DiskError::io("removing a draft"))?;
        }
    }
    Ok(())
}

/// Removes unused images, and says how many. Where one guest's record cannot be read, nothing is removed.
pub(super) fn sweep(directory: &Path, instances: &Path, now: SystemTime) -> Result<usize, DiskError> {
    let used = used(instances)?;
    let mut removed = 0;
    for entry in std::fs::read_dir(directory).map_err(DiskError::io("listing the image cache"))? {
        let entry = entry.map_err(DiskError::io("listing the image cache"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let draft = entry.path().extension().is_some_and(|extension| extension == DRAFT);
        let touched =
            entry.metadata().and_then(|metadata| metadata.modified()).map_err(DiskError::io("dating an image"))?;
        let recent = now.duration_since(touched).map_or(true, |age| age < UNUSED);
        if draft || recent || used.contains(&name) {
            continue;
        }
        std::fs::remove_file(entry.path()).map_err(DiskError::io("removing an image"))?;
        tracing::info!(file = name, "an unused image was removed from the cache");
        removed += 1;
    }
    Ok(removed)
}

/// The names of the images that guests lie on.
fn used(instances: &Path) -> Result<HashSet<String>, DiskError> {
    let mut used = HashSet::new();
    for entry in std::fs::read_dir(instances).map_err(DiskError::io("listing the guests"))? {
        let directory = entry.map_err(DiskError::io("listing the guests"))?.path();
        match Record::read(&directory) {
            Ok(record) => used.extend(record.base.map(|base| base.file)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(DiskError::io("reading a guest's record")(error)),
        }
    }
    Ok(used)
}
