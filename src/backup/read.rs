//! Reading a backup: what it is, what is in it, and whether all of it is as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use super::archive::Summed;
use super::{BackupError, Entry, FORMAT, HEAD, Head, MANIFEST, Manifest, Result};

/// The largest head or list of files that is read: a list of a million files is smaller.
const LARGEST: u64 = 1 << 28;

/// What is in the backup `file`. All of it is read, since the list is at its end, but not checked.
///
/// # Errors
/// It is no backup, or was cut off, or is of a newer cloudbox.
pub fn list(file: &Path) -> Result<Manifest> {
    walk(file, |_, _, _| Ok(None))
}

/// As [`list()`], and checks every file's size and sum.
///
/// # Errors
/// As [`list()`], and [`BackupError::Damaged`].
pub fn verify(file: &Path) -> Result<Manifest> {
    walk(file, |path, mode, bytes| {
        let mut summed = Summed::new(bytes);
        io::copy(&mut summed, &mut io::sink()).map_err(|error| unreadable(file, path, &error))?;
        let (size, sha256) = summed.end();
        Ok(Some(Entry { path: path.to_owned(), size, mode, sha256 }))
    })
}

/// Gives each file of the archive to `take`, which answers what it found, and holds that against the list at the end.
pub(super) fn walk(
    file: &Path,
    mut take: impl FnMut(&str, u32, &mut dyn Read) -> Result<Option<Entry>>,
) -> Result<Manifest> {
    let opened = File::open(file).map_err(BackupError::at("opening", file))?;
    let not_one = |reason: String| BackupError::NotOne { path: file.to_owned(), reason };
    let decoder = zstd::Decoder::new(BufReader::new(opened)).map_err(|error| not_one(error.to_string()))?;
    let mut archive = tar::Archive::new(decoder);
    let mut head: Option<Head> = None;
    let mut manifest: Option<Manifest> = None;
    let mut found = Vec::new();
    let entries = archive.entries().map_err(|error| not_one(error.to_string()))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| match head {
            None => not_one(error.to_string()),
            Some(_) => unreadable(file, "the next file", &error),
        })?;
        let path = safe_path(&entry.path().map_err(|error| not_one(error.to_string()))?)
            .ok_or_else(|| not_one("a file in it would be outside of the data directory".to_owned()))?;
        if head.is_none() {
            head = Some(read_head(file, &path, &mut entry)?);
            continue;
        }
        if path == MANIFEST {
            manifest = Some(parse(&mut entry).map_err(BackupError::Damaged)?);
            continue;
        }
        let mode = entry.header().mode().unwrap_or(0o600) & 0o7777;
        found.extend(take(&path, mode, &mut entry)?);
    }
    let manifest = match (head, manifest) {
        (None, _) => return Err(not_one("it is empty".to_owned())),
        (Some(_), None) => return Err(BackupError::CutOff(file.to_owned())),
        (Some(_), Some(manifest)) => manifest,
    };
    compare(&manifest, &found)?;
    Ok(manifest)
}

/// Whether what was found is what the list says; nothing was looked at where nothing was found.
fn compare(manifest: &Manifest, found: &[Entry]) -> Result<()> {
    let listed: BTreeMap<&str, &Entry> = manifest.files.iter().map(|entry| (entry.path.as_str(), entry)).collect();
    if let Some(wrong) = found.iter().find(|entry| listed.get(entry.path.as_str()) != Some(entry)) {
        return Err(BackupError::Damaged(format!("{} is not what it was", wrong.path)));
    }
    let there: BTreeSet<&str> = found.iter().map(|entry| entry.path.as_str()).collect();
    match manifest.files.iter().find(|entry| !found.is_empty() && !there.contains(entry.path.as_str())) {
        Some(lost) => Err(BackupError::Damaged(format!("{} is missing", lost.path))),
        None => Ok(()),
    }
}

fn read_head(file: &Path, path: &str, entry: &mut impl Read) -> Result<Head> {
    let not_one = |reason: String| BackupError::NotOne { path: file.to_owned(), reason };
    if path != HEAD {
        return Err(not_one(format!("it does not begin with {HEAD}")));
    }
    let head: Head = parse(entry).map_err(not_one)?;
    if head.format > FORMAT {
        return Err(BackupError::Newer { made_by: head.cloudbox, own: env!("CARGO_PKG_VERSION") });
    }
    Ok(head)
}

fn parse<T: serde::de::DeserializeOwned>(entry: &mut impl Read) -> std::result::Result<T, String> {
    serde_json::from_reader(entry.take(LARGEST)).map_err(|error| error.to_string())
}

/// Bytes that cannot be read: cut off, or changed so that they cannot be unpacked.
pub(super) fn unreadable(file: &Path, path: &str, error: &io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::CutOff(file.to_owned()),
        _ => BackupError::Damaged(format!("{path} cannot be read ({error})")),
    }
}

/// `path`, if it is one below the directory that it is unpacked into.
pub(super) fn safe_path(path: &Path) -> Option<String> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let text = PathBuf::from(path).into_os_string().into_string().ok()?;
    (plain && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        assert_eq!(safe_path(Path::new("keys/tokens.json")).as_deref(), Some("keys/tokens.json"));
        for wrong in ["/etc/passwd", "../keys", "keys/../../etc", ".", ""] {
            assert_eq!(safe_path(Path::new(wrong)), None, "{wrong}");
        }
    }
}
