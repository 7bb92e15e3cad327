//! What a backup does not hold of the cloud that it was made of: said when it is made, not when it is restored.

use std::path::Path;

use store::Connection;

use super::create::{Plan, database};
use super::{BackupError, DATABASE, Result};

/// What there is in the cloud and not in a backup made by `plan`, in words.
///
/// # Errors
/// [`BackupError`], where the cloud cannot be looked at.
pub fn left_out(plan: &Plan) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if !plan.servers {
        let guests = compute_agent::guest_files(&plan.data_dir)
            .map_err(BackupError::at("looking for guests in", &plan.data_dir))?
            .guests;
        found.extend(some(guests, "the disks of", "server", "--servers adds them"));
    }
    let asked = store::look(&plan.data_dir.join(DATABASE), |db| bytes_elsewhere(db, &plan.data_dir, plan.volumes));
    found.extend(asked.map_err(|error| database("reading the database", &error))?);
    Ok(found)
}

/// Volumes and images whose bytes the backup does not hold.
fn bytes_elsewhere(db: &Connection, data_dir: &Path, volumes: bool) -> std::result::Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    if !volumes {
        found.extend(some(volume::files(db, data_dir)?.len(), "the bytes of", "volume", "--volumes adds them"));
    }
    let elsewhere = volume::elsewhere(db)?;
    found.extend(some(
        elsewhere,
        "the bytes of",
        "volume",
        "not kept as files: copy them with their storage's own means",
    ));
    for (store, images) in image::elsewhere(db)? {
        let how = format!("in the store {store} alone: copy its directory");
        found.extend(some(images, "the bytes of", "image", &how));
    }
    Ok(found)
}

/// `2 volumes`, and what to do about them.
fn some(count: usize, what: &str, noun: &str, how: &str) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    (count > 0).then(|| format!("{what} {count} {noun}{plural} ({how})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_worth_a_word() {
        assert_eq!(some(0, "the bytes of", "volume", "copy"), None);
        assert_eq!(some(1, "the bytes of", "volume", "copy").unwrap(), "the bytes of 1 volume (copy)");
        assert_eq!(some(2, "the disks of", "server", "add").unwrap(), "the disks of 2 servers (add)");
    }
}
