//! Images as files of one directory: `<dir>/<id>`, and `<dir>/incoming/<id>` while an upload runs.
//!
//! A file takes its final name only when it is whole and on the disk.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA512};
use http_kit::Bytes;
use kit::disk_image::{Inspection, Window};
use kit::ids::ImageId;
use md5::{Digest as _, Md5};

/// The directory.
#[derive(Debug, Clone)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// A store in `directory`, which [`FileStore::prepare`] makes.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where the bytes of `id` are.
    pub fn path(&self, id: &ImageId) -> PathBuf {
        self.directory.join(id.as_str())
    }

    fn incoming(&self) -> PathBuf {
        self.directory.join("incoming")
    }

    /// Makes the directories and removes every file that is no image's in `known`.
    pub async fn prepare(&self, known: &HashSet<String>) -> io::Result<()> {
        tokio::fs::create_dir_all(self.incoming()).await?;
        for directory in [self.incoming(), self.directory.clone()] {
            let mut entries = tokio::fs::read_dir(&directory).await?;
            while let Some(entry) = entries.next_entry().await? {
                let name = entry.file_name();
                let is_known = directory == self.directory && name.to_str().is_some_and(|name| known.contains(name));
                if entry.file_type().await?.is_file() && !is_known {
                    tracing::info!(file = %name.display(), "removed what an upload or a deletion left behind");
                    tokio::fs::remove_file(entry.path()).await?;
                }
            }
        }
        Ok(())
    }

    /// Starts to receive the bytes of `id`. Blocking, as all of [`Incoming`].
    pub fn receive(&self, id: &ImageId) -> io::Result<Incoming> {
        let path = self.incoming().join(id.as_str());
        Ok(Incoming {
            file: Some(File::create(&path)?),
            path,
            target: self.path(id),
            directory: self.directory.clone(),
            window: Window::default(),
            md5: Md5::new(),
            sha512: Context::new(&SHA512),
        })
    }

    /// Removes the bytes of `id`; fine when there are none.
    pub async fn remove(&self, id: &ImageId) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// An upload under way. Dropped before it is kept, its file goes.
pub struct Incoming {
    file: Option<File>,
    path: PathBuf,
    target: PathBuf,
    directory: PathBuf,
    window: Window,
    md5: Md5,
    sha512: Context,
}

/// What an upload amounted to.
pub struct Received {
    /// How many bytes.
    pub size: u64,
    /// MD5 in hexadecimal.
    pub md5: String,
    /// SHA-512 in hexadecimal.
    pub sha512: String,
    /// What the bytes are.
    pub inspection: Inspection,
}

impl Incoming {
    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.md5.update(bytes);
        self.sha512.update(bytes);
        self.window.push(bytes);
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(bytes)
    }

    /// How many bytes there are so far.
    pub fn size(&self) -> u64 {
        self.window.size()
    }

    /// What there is, hashed and inspected.
    pub fn summary(&self) -> Received {
        Received {
            size: self.window.size(),
            md5: kit::hex(&self.md5.clone().finalize()),
            sha512: kit::hex(self.sha512.clone().finish().as_ref()),
            inspection: self.window.inspect(),
        }
    }

    /// Puts it on the disk under its final name.
    pub fn keep(mut self) -> io::Result<()> {
        let file = self.file.take().ok_or(io::ErrorKind::BrokenPipe)?;
        file.sync_all()?;
        std::fs::rename(&self.path, &self.target)?;
        sync_directory(&self.directory)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an upload's temporary file could not be removed");
        }
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
