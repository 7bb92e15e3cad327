//! Making a backup while the cloud runs.
//!
//! Images never change once their row says that they are there, but they can be deleted at any time. So each gets a second
//! name first, then the database is copied, then those that came in between get theirs: what the copy knows is
//! kept, unless it came and went within that moment, which is found out and tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Cursor, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use store::Connection;

use super::archive::Writer;
use super::stage::{Stage, files_below, is_stage};
use super::{BackupError, CONFIGURATION, DATABASE, Entry, FORMAT, HEAD, Head, MANIFEST, Manifest, RESTORING, Result};
use crate::appliance;

/// Up to this size a file is read whole before it is added, so that it may change meanwhile.
const SMALL: u64 = 16 << 20;

/// How often images are kept anew when some went meanwhile.
const ATTEMPTS: usize = 5;

/// What is not copied as it is: kept otherwise (the database, images, volumes), made anew (caches, disks and consoles of
/// guests, what runs), or of this host alone.
const LEFT_OUT: [&str; 11] = [
    "cloudbox.lock",
    "fake-guests",
    "first-start",
    "image-cache",
    "image-staging",
    "images",
    "instances",
    "lost+found",
    "network",
    "run",
    "volumes",
];

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cloud's data directory.
    pub data_dir: PathBuf,
    /// The file that is written.
    pub file: PathBuf,
    /// The configuration file, where there is one.
    pub config: Option<PathBuf>,
    /// Whether volumes are in it.
    pub volumes: bool,
    /// Whether the disks of servers are in it.
    pub servers: bool,
    /// The host's name.
    pub host: String,
    /// The time.
    pub now: jiff::Timestamp,
}

/// Makes the backup that `plan` says; answers what is in it. It blocks.
///
/// # Errors
/// [`BackupError`]; nothing is left behind then.
pub fn create(plan: &Plan) -> Result<Manifest> {
    if !plan.data_dir.join(DATABASE).exists() {
        return Err(BackupError::NoCloud(plan.data_dir.clone()));
    }
    let mut archive = Writer::begin(&plan.file)?;
    let mut stage = Stage::new(&plan.data_dir)?;
    let copy = keep_images(&plan.data_dir, &mut stage)?;
    let head = Head {
        format: FORMAT,
        cloudbox: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: plan.now,
        host: plan.host.clone(),
        volumes: plan.volumes,
        servers: plan.servers,
    };
    archive.add_unlisted(HEAD, &json(&head)?)?;
    for path in others(&plan.data_dir)? {
        add_small(&mut archive, &plan.data_dir, &path)?;
    }
    if let Some(config) = &plan.config {
        let bytes = std::fs::read(config).map_err(BackupError::at("reading", config))?;
        add_bytes(&mut archive, CONFIGURATION, 0o600, &bytes)?;
    }
    for (path, source) in &stage.files {
        add_file(&mut archive, path, source)?;
    }
    if plan.volumes {
        let volumes = in_copy(&copy, |db| volume::files(db, &plan.data_dir))?;
        for path in below(&plan.data_dir, volumes) {
            add_disk(&mut archive, &plan.data_dir, &path, &mut stage)?;
        }
    }
    if plan.servers {
        add_servers(&mut archive, &plan.data_dir, &mut stage)?;
    }
    let schema = schema(&copy)?;
    // The database is last: what is restored in this order is a cloud only once all else is there.
    add_file(&mut archive, Path::new(DATABASE), &copy)?;
    let files = std::mem::take(&mut archive.entries);
    let manifest = Manifest { head, schema, directories: directories(&plan.data_dir, &files), files };
    archive.add_unlisted(MANIFEST, &json(&manifest)?)?;
    archive.finish()?;
    Ok(manifest)
}

/// Keeps the images and copies the database; where the copy is.
fn keep_images(data_dir: &Path, stage: &mut Stage) -> Result<PathBuf> {
    let copy = stage.place(DATABASE);
    let mut missing = None;
    for _ in 0..ATTEMPTS {
        stage.link(Path::new("images"))?;
        store::copy(&data_dir.join(DATABASE), &copy).map_err(|error| database("copying the database", &error))?;
        stage.link(Path::new("images"))?;
        let known: BTreeSet<PathBuf> =
            below(data_dir, in_copy(&copy, |db| image::files(db, data_dir))?).into_iter().collect();
        missing = known.iter().find(|path| !stage.files.contains_key(*path)).cloned();
        if missing.is_none() {
            stage.files.retain(|path, _| known.contains(path));
            return Ok(copy);
        }
    }
    Err(BackupError::Restless(missing.unwrap_or_default().display().to_string()))
}

/// Asks the copy of the database.
fn in_copy<T>(copy: &Path, ask: impl FnOnce(&Connection) -> std::result::Result<T, store::Error>) -> Result<T> {
    store::look(copy, ask).map_err(|error| database("reading the copy of the database", &error))
}

/// What the store says, as the reason why there is no backup.
pub(super) fn database(doing: &'static str, error: &store::Error) -> BackupError {
    match error {
        store::Error::Full(_) => BackupError::Full { doing: doing.to_owned() },
        error => BackupError::Database { doing, reason: kit::Fault::internal(doing, error.to_string()).chain() },
    }
}

fn schema(copy: &Path) -> Result<BTreeMap<String, usize>> {
    let found = store::inspect(copy, &appliance::migrations(), env!("CARGO_PKG_VERSION"));
    let found =
        found.map_err(|error| BackupError::Database { doing: "checking the copy", reason: error.to_string() })?;
    Ok(found.schema.into_iter().collect())
}

/// `paths` as they are below the data directory; one that is elsewhere is not part of it.
fn below(data_dir: &Path, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let relative = |path: PathBuf| match path.strip_prefix(data_dir) {
        Ok(relative) => Some(relative.to_owned()),
        Err(_) => {
            tracing::warn!(path = %path.display(), "is outside of the data directory and not in the backup");
            None
        }
    };
    paths.into_iter().filter_map(relative).collect()
}

/// Keys, credentials, policies and whatever else is small: files below the data directory that nobody else looks after.
fn others(data_dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(data_dir).map_err(BackupError::at("reading", data_dir))?;
    for entry in entries {
        let entry = entry.map_err(BackupError::at("reading", data_dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if LEFT_OUT.contains(&name.as_str()) || name.starts_with(DATABASE) || is_stage(&name) || name == RESTORING {
            continue;
        }
        let files = files_below(&entry.path())?;
        found.extend(files.into_iter().filter_map(|file| file.strip_prefix(data_dir).ok().map(Path::to_owned)));
    }
    found.sort();
    Ok(found)
}

/// The directories that `files` are in, with their permissions.
fn directories(data_dir: &Path, files: &[Entry]) -> BTreeMap<String, u32> {
    let above = files.iter().flat_map(|file| Path::new(&file.path).ancestors().skip(1));
    let known = above.filter(|path| !path.as_os_str().is_empty()).filter_map(|path| {
        let about = std::fs::metadata(data_dir.join(path)).ok()?;
        Some((path.to_str()?.to_owned(), about.permissions().mode() & 0o7777))
    });
    known.collect()
}

fn name(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let odd = io::Error::new(io::ErrorKind::InvalidData, "its name is not UTF-8");
        BackupError::io(format!("adding {}", path.display()), odd)
    })
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| BackupError::io("writing the list of files", error.into()))
}

fn add_bytes(archive: &mut Writer, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    archive.add(path, u64::try_from(bytes.len()).unwrap_or(u64::MAX), mode, Cursor::new(bytes))
}

/// Adds a file that is small as a rule, and may be replaced, grow or go at any time.
fn add_small(archive: &mut Writer, data_dir: &Path, path: &Path) -> Result<()> {
    let source = data_dir.join(path);
    let read = File::open(&source).and_then(|file| {
        let about = file.metadata()?;
        let mut bytes = Vec::new();
        if about.len() <= SMALL {
            (&file).take(SMALL).read_to_end(&mut bytes)?;
        }
        Ok((about, bytes))
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::at("reading", &source)(error)),
        Ok((about, _)) if about.len() > SMALL => add_file(archive, path, &source).map(drop),
        Ok((about, bytes)) => add_bytes(archive, name(path)?, about.permissions().mode() & 0o7777, &bytes),
    }
}

/// Adds a file that does not change; answers what it was when it was opened and when it had been read.
fn add_file(archive: &mut Writer, path: &Path, source: &Path) -> Result<(Stamp, Stamp)> {
    let file = File::open(source).map_err(BackupError::at("opening", source))?;
    let about = file.metadata().map_err(BackupError::at("looking at", source))?;
    archive.add(name(path)?, about.len(), about.permissions().mode() & 0o7777, &file)?;
    let after = file.metadata().map_err(BackupError::at("looking at", source))?;
    Ok((Stamp::of(&about), Stamp::of(&after)))
}

/// Adds what the guests of this host are made of. A guest that goes meanwhile is left out: the database that is in the backup
/// may know it all the same, as a server without a disk.
fn add_servers(archive: &mut Writer, data_dir: &Path, stage: &mut Stage) -> Result<()> {
    let files = compute_agent::guest_files(data_dir).map_err(BackupError::at("looking for guests in", data_dir))?;
    for path in below(data_dir, files.bases.into_iter().chain(files.others).collect()) {
        add_small(archive, data_dir, &path)?;
    }
    for path in below(data_dir, files.disks) {
        match add_disk(archive, data_dir, &path, stage) {
            Err(BackupError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            added => added?,
        }
    }
    Ok(())
}

/// Adds a disk: as it is at one moment, or as it is for all the time that it takes.
fn add_disk(archive: &mut Writer, data_dir: &Path, path: &Path, stage: &mut Stage) -> Result<()> {
    let at_once = stage.reflink(path)?;
    let source = stage.files.get(path).cloned().unwrap_or_else(|| data_dir.join(path));
    let (before, after) = add_file(archive, path, &source)?;
    match at_once || before == after {
        true => Ok(()),
        false => Err(BackupError::Changed(path.display().to_string())),
    }
}

/// What changes whenever a file is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(about: &std::fs::Metadata) -> Self {
        Self { size: about.len(), modified: (about.mtime(), about.mtime_nsec()) }
    }
}
