//! The archive itself: entries with their sums, written to a temporary name and renamed once it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tar::{Builder, Header};

use super::{BackupError, Entry, Result, sync_directory};

/// How hard it is compressed: images mostly are already.
const LEVEL: i32 = 3;

/// Adds up what passes through.
pub(super) struct Summed<R> {
    inner: R,
    digest: Context,
    size: u64,
}

impl<R: Read> Summed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, digest: Context::new(&SHA256), size: 0 }
    }

    /// How many bytes there were, and their sum.
    pub(super) fn end(self) -> (u64, String) {
        (self.size, kit::hex(self.digest.finish().as_ref()))
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..read).unwrap_or_default());
        self.size += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}

/// An archive that is being written.
pub(super) struct Writer {
    builder: Option<Builder<zstd::Encoder<'static, BufWriter<File>>>>,
    partial: PathBuf,
    target: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl Writer {
    /// Begins `target`, which must not be there yet; others cannot read it, since there are keys in it.
    pub(super) fn begin(target: &Path) -> Result<Self> {
        if target.exists() {
            let there = io::Error::new(io::ErrorKind::AlreadyExists, "it is there already");
            return Err(BackupError::io(format!("writing {}", target.display()), there));
        }
        let mut partial = target.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let file = file.map_err(BackupError::at("making", &partial))?;
        let encoder = zstd::Encoder::new(BufWriter::with_capacity(1 << 20, file), LEVEL)
            .map_err(BackupError::at("compressing into", &partial))?;
        let mut builder = Builder::new(encoder);
        builder.mode(tar::HeaderMode::Deterministic);
        Ok(Self { builder: Some(builder), partial, target: target.to_owned(), entries: Vec::new() })
    }

    /// Adds the `size` bytes of `from` as `path`.
    pub(super) fn add(&mut self, path: &str, size: u64, mode: u32, from: impl Read) -> Result<()> {
        let mut summed = Summed::new(from.take(size));
        self.append(path, size, mode, &mut summed)?;
        let (found, sha256) = summed.end();
        if found != size {
            return Err(BackupError::Changed(path.to_owned()));
        }
        self.entries.push(Entry { path: path.to_owned(), size, mode, sha256 });
        Ok(())
    }

    /// Adds `bytes` as `path`, without entering it in the list.
    pub(super) fn add_unlisted(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.append(path, u64::try_from(bytes.len()).unwrap_or(u64::MAX), 0o600, Cursor::new(bytes))
    }

    fn append(&mut self, path: &str, size: u64, mode: u32, from: impl Read) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_cksum();
        let Some(builder) = &mut self.builder else { return Ok(()) };
        let added = builder.append_data(&mut header, path, from);
        added.map_err(|error| BackupError::io(format!("writing {path} into the backup"), error))
    }

    /// Brings it to the disk and gives it its name.
    pub(super) fn finish(mut self) -> Result<()> {
        let Some(builder) = self.builder.take() else { return Ok(()) };
        let written = builder
            .into_inner()
            .and_then(zstd::Encoder::finish)
            .and_then(|mut file| {
                file.flush()?;
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
            })
            .and_then(|()| std::fs::rename(&self.partial, &self.target));
        written.map_err(BackupError::at("writing", &self.target))?;
        sync_directory(self.target.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.builder.take());
        if let Err(error) = std::fs::remove_file(&self.partial)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.partial.display(), %error, "an unfinished backup stays behind");
        }
    }
}
