//! Restoring a backup into an empty directory.
//!
//! Everything is unpacked into a directory within it first and held against its sums; only then does it take its place, the
//! database last. A restore that was cut off leaves [`RESTORING`] behind: no cloud starts there, and the next restore begins anew.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::archive::Summed;
use super::read::{safe_path, unreadable, walk};
use super::{BackupError, DATABASE, Entry, Manifest, Result, sync_directory};
use crate::appliance;

/// The directory that a restore unpacks into.
pub const RESTORING: &str = ".restoring";

/// The directories that others than the owner pass through: QEMU may run as a user of its own.
const DIRECTORY_MODE: u32 = 0o711;

/// How much is looked at together: a stretch of zeros of this size stays a hole.
const CHUNK: usize = 64 << 10;

/// Restores the backup `file` into `data_dir`, which is made where it is missing and must be empty. It blocks.
///
/// # Errors
/// [`BackupError`]; `data_dir` is as empty as before then.
pub fn restore(file: &Path, data_dir: &Path) -> Result<Manifest> {
    make_directory(data_dir)?;
    let staging = data_dir.join(RESTORING);
    if staging.exists() {
        // What else is here came with a restore that was cut off: it began in an empty directory.
        clear(data_dir)?;
    }
    refuse_occupied(data_dir)?;
    make_directory(&staging)?;
    let unpacked = unpack(file, &staging).and_then(|manifest| {
        check_database(&staging.join(DATABASE))?;
        set_modes(&manifest, &staging)?;
        move_up(&staging, data_dir)?;
        Ok(manifest)
    });
    if unpacked.is_err() {
        clear(data_dir)?;
    }
    unpacked
}

fn refuse_occupied(data_dir: &Path) -> Result<()> {
    let entries = std::fs::read_dir(data_dir).map_err(BackupError::at("reading", data_dir))?;
    for entry in entries {
        let name = entry.map_err(BackupError::at("reading", data_dir))?.file_name().to_string_lossy().into_owned();
        if name != "lost+found" {
            return Err(BackupError::NotEmpty { path: data_dir.to_owned(), found: name });
        }
    }
    Ok(())
}

fn make_directory(path: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path);
    made.map_err(BackupError::at("making", path))
}

/// Removes what a restore put there; what says that one was cut off goes last.
fn clear(data_dir: &Path) -> Result<()> {
    let failed = |error| BackupError::at("clearing", data_dir)(error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(data_dir).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.retain(|path| !path.ends_with("lost+found"));
    paths.sort_by_key(|path| path.ends_with(RESTORING));
    for path in paths {
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(BackupError::at("removing", &path))?;
    }
    Ok(())
}

fn unpack(file: &Path, staging: &Path) -> Result<Manifest> {
    walk(file, |path, mode, bytes| {
        let target = staging.join(path);
        make_directory(target.parent().unwrap_or(staging))?;
        let mut summed = Summed::new(bytes);
        write_file(file, path, &target, mode, &mut summed)?;
        let (size, sha256) = summed.end();
        Ok(Some(Entry { path: path.to_owned(), size, mode, sha256 }))
    })
}

/// Writes what `bytes` has to `target`; a stretch of zeros stays a hole.
fn write_file(archive: &Path, path: &str, target: &Path, mode: u32, bytes: &mut impl Read) -> Result<()> {
    let failed = |error| BackupError::at("writing", target)(error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target).map_err(failed)?;
    let (mut buffer, zeros) = (vec![0_u8; CHUNK], vec![0_u8; CHUNK]);
    let mut size = 0_u64;
    loop {
        let read = fill(bytes, &mut buffer).map_err(|error| unreadable(archive, path, &error))?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        if zeros.get(..read) != Some(chunk) {
            file.seek(SeekFrom::Start(size)).and_then(|_| file.write_all(chunk)).map_err(failed)?;
        }
        size += u64::try_from(read).unwrap_or_default();
    }
    file.set_len(size).map_err(failed)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Fills `buffer` as far as there is something.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Gives the directories the permissions that they had.
fn set_modes(manifest: &Manifest, staging: &Path) -> Result<()> {
    for (directory, mode) in &manifest.directories {
        let Some(directory) = safe_path(Path::new(directory)).map(|path| staging.join(path)) else { continue };
        match std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode & 0o7777)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::at("changing", &directory)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether this cloudbox can open it.
fn check_database(path: &Path) -> Result<()> {
    match store::inspect(path, &appliance::migrations(), env!("CARGO_PKG_VERSION")) {
        Ok(_) => Ok(()),
        Err(store::OpenError::Newer { written_by, .. }) => {
            Err(BackupError::Newer { made_by: written_by, own: env!("CARGO_PKG_VERSION") })
        }
        Err(error) => Err(BackupError::Damaged(error.to_string())),
    }
}

/// Moves everything from `staging` into `data_dir`, the database last.
fn move_up(staging: &Path, data_dir: &Path) -> Result<()> {
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(staging).map_err(BackupError::at("reading", staging))? {
        names.push(entry.map_err(BackupError::at("reading", staging))?.file_name().into());
    }
    names.sort_by_key(|name| name == Path::new(DATABASE));
    for name in names {
        let (from, to) = (staging.join(&name), data_dir.join(&name));
        if from.is_dir() {
            sync_directory(&from)?;
        }
        std::fs::rename(&from, &to).map_err(BackupError::at("moving into place", &to))?;
    }
    sync_directory(data_dir)?;
    std::fs::remove_dir(staging).map_err(BackupError::at("removing", staging))?;
    sync_directory(data_dir)
}
