//! The files that guests are made of, as a backup of a host wants to know them. Blocking.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::paths::Paths;
use super::record::Record;

/// How the files that are a guest's disks begin; what does not is small, and made anew where it is missing.
const DISK: &str = "disk";

/// The files of all guests of a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct GuestFiles {
    /// Guests that have any.
    pub guests: usize,
    /// Images that disks lie on. They never change.
    pub bases: BTreeSet<PathBuf>,
    /// Disks. A guest that runs writes to its own.
    pub disks: Vec<PathBuf>,
    /// Records and what was printed on consoles.
    pub others: Vec<PathBuf>,
}

/// The files of the guests in the data directory `data_dir`.
///
/// # Errors
/// What the file system says; a guest that goes meanwhile is none.
pub fn guest_files(data_dir: &Path) -> io::Result<GuestFiles> {
    let paths = Paths::new(data_dir.to_owned());
    let mut found = GuestFiles::default();
    for directory in entries(&paths.instances())? {
        let record = match Record::read(&directory) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            record => record?,
        };
        found.guests += 1;
        found.bases.extend(record.base.map(|base| paths.image_cache().join(base.file)));
        for file in entries(&directory)? {
            let is_disk = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DISK));
            if is_disk { &mut found.disks } else { &mut found.others }.push(file);
        }
    }
    Ok(found)
}

/// What is in a directory, in order; nothing where it is not there.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::record::Base;
    use super::*;

    #[test]
    fn guests_are_disks_bases_and_small_files_and_a_directory_without_a_record_is_none() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(guest_files(data.path()).unwrap(), GuestFiles::default());
        let instances = data.path().join("instances");
        let base = |name: &str| Some(Base { file: name.into(), format: hypervisor::DiskFormat::Raw });
        for (guest, base) in [("a", base("one.raw")), ("b", base("one.raw")), ("c", None)] {
            std::fs::create_dir_all(instances.join(guest)).unwrap();
            Record { base, ..Record::default() }.write(&instances.join(guest)).unwrap();
        }
        std::fs::create_dir(instances.join("half-made")).unwrap();
        for name in ["disk", "disk.config", "console.log"] {
            std::fs::write(instances.join("b").join(name), name).unwrap();
        }
        let found = guest_files(data.path()).unwrap();
        assert_eq!(found.guests, 3);
        assert_eq!(found.bases, BTreeSet::from([data.path().join("image-cache/one.raw")]));
        assert_eq!(found.disks, [instances.join("b/disk"), instances.join("b/disk.config")]);
        let small = ["a/instance.json", "b/console.log", "b/instance.json", "c/instance.json"];
        assert_eq!(found.others, small.map(|name| instances.join(name)));
    }
}
