//! The host's image cache: each image is fetched once, checked, and then the read-only base of many disks.
//!
//! * A file is named after its contents (SHA-512, or the image's id where there is none) and the format that its owner
//!   declared: bytes that were declared otherwise are another file, and are looked at again.
//! * Nothing is opened that was not inspected: the bytes must be of the declared format and name no other file.
//! * What is not `qcow2` or raw is converted to `qcow2`.
//! * A file appears under its name when all of that is done and on the disk; drafts end in `.part` and go at the start.
//! * What no guest lies on and nobody used for a day is removed.

mod download;
mod intake;
mod sweep;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bus::topics::image::{Image, ImageLocation};
use hypervisor::{Backing, DiskFormat};
use kit::disk_image::{Format, Inspection, Window};
use kit::{Fault, Secret};
use tokio_util::sync::CancellationToken;

use crate::disks::{DiskError, DiskTool, blocking};
use crate::guest::record::Base;
use crate::image_service::ImageService;
use intake::Expected;

/// What drafts' names end in.
const DRAFT: &str = "part";

/// An image in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cached {
    /// Its file.
    pub base: Base,
    /// The size of the disk in it.
    pub virtual_size: u64,
}

/// The cache.
pub(crate) struct ImageCache {
    directory: PathBuf,
    tool: Arc<dyn DiskTool>,
    service: Arc<ImageService>,
    fetching: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl ImageCache {
    /// The cache in `directory`; what is in no file that can be read here comes from `service`.
    pub fn new(directory: PathBuf, tool: Arc<dyn DiskTool>, service: Arc<ImageService>) -> Self {
        Self { directory, tool, service, fetching: Mutex::default() }
    }

    /// Where a base is, for a disk on it.
    pub fn backing(&self, base: &Base) -> Backing {
        Backing { path: self.directory.join(&base.file), format: base.format }
    }

    /// Removes what a process that was killed had begun.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn clear_drafts(&self) -> Result<(), DiskError> {
        let directory = self.directory.clone();
        blocking(move || sweep::clear_drafts(&directory)).await
    }

    /// Removes what no guest below `instances` lies on and nobody used for a day.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn sweep(&self, instances: PathBuf) -> Result<usize, DiskError> {
        let directory = self.directory.clone();
        blocking(move || sweep::sweep(&directory, &instances, std::time::SystemTime::now())).await
    }

    /// Has `image` in the cache; whoever asks while it is fetched waits for the same fetch.
    ///
    /// # Errors
    /// A 400 where the image is not usable; what keeps its bytes from here.
    pub async fn fetch(&self, image: &Image, token: Option<&Secret>) -> Result<Cached, Fault> {
        let wanted = Wanted::of(image)?;
        if let Some(cached) = self.find(&wanted).await? {
            return Ok(cached);
        }
        let lock = self.lock_of(&wanted.file);
        let _one_at_a_time = lock.lock().await;
        if let Some(cached) = self.find(&wanted).await? {
            return Ok(cached);
        }
        tracing::info!(image_id = %image.id, bytes = image.size_bytes, "an image is fetched");
        let draft = Draft::new(&self.directory);
        self.take_in(image, &wanted, token, &draft).await?;
        self.publish(&wanted, draft).await?;
        self.find(&wanted).await?.ok_or_else(|| Fault::internal("fetching an image", "it vanished from the cache"))
    }

    fn lock_of(&self, file: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = fetching.get(file).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        fetching.insert(file.to_owned(), Arc::downgrade(&lock));
        lock
    }

    /// The image, if it is there; it counts as used.
    async fn find(&self, wanted: &Wanted) -> Result<Option<Cached>, Fault> {
        let (path, base) = (self.directory.join(&wanted.file), wanted.base());
        let found = blocking(move || match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::io("opening a base image")(error)),
            Ok(file) => {
                file.set_modified(std::time::SystemTime::now()).map_err(DiskError::io("dating a base image"))?;
                let size = file.metadata().map_err(DiskError::io("measuring a base image"))?.len();
                drop(file);
                if base.format == DiskFormat::Raw {
                    return Ok(Some(Cached { base, virtual_size: size }));
                }
                let inspection = inspect(&path).map_err(DiskError::io("reading a base image"))?;
                let virtual_size = inspection.virtual_size.unwrap_or(size);
                Ok(Some(Cached { base, virtual_size }))
            }
        });
        Ok(found.await?)
    }

    /// Brings the bytes here, into a draft that nobody else sees.
    async fn take_in(
        &self,
        image: &Image,
        wanted: &Wanted,
        token: Option<&Secret>,
        draft: &Draft,
    ) -> Result<(), Fault> {
        let Some(ImageLocation::File { path, url }) = &image.location else {
            return Err(unacceptable(image, "it has no data"));
        };
        let expected = Expected {
            name: image.id.to_string(),
            sha512: image.sha512.clone(),
            disk_format: wanted.disk_format.clone(),
        };
        if intake::copy(path.clone(), draft.path.clone(), expected.clone(), draft.stop.clone()).await? {
            return Ok(());
        }
        download::download(&self.service, (url, token), draft.path.clone(), expected, draft.stop.clone()).await
    }

    /// Converts where need be, and gives the file its name.
    async fn publish(&self, wanted: &Wanted, draft: Draft) -> Result<(), Fault> {
        let draft = match wanted.convert_from {
            None => draft,
            Some(format) => {
                let converted = Draft::new(&self.directory);
                self.tool.convert(&draft.path, format, &converted.path).await?;
                converted
            }
        };
        let (from, to) = (draft.path.clone(), self.directory.join(&wanted.file));
        blocking(move || {
            use std::os::unix::fs::PermissionsExt as _;
            let file = std::fs::File::open(&from).map_err(DiskError::io("opening a draft"))?;
            let mode = std::fs::Permissions::from_mode(0o444);
            file.set_permissions(mode).map_err(DiskError::io("closing a draft"))?;
            file.sync_all().map_err(DiskError::io("writing an image to the disk"))?;
            std::fs::rename(&from, &to).map_err(DiskError::io("naming an image"))?;
            let directory = to.parent().unwrap_or(Path::new("/"));
            std::fs::File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(DiskError::io("writing the image cache's directory"))
        })
        .await?;
        Ok(())
    }
}

/// A file that is not an image yet. It goes when nobody wants it any more; whoever still writes it is told to stop.
struct Draft {
    path: PathBuf,
    stop: CancellationToken,
}

impl Draft {
    fn new(directory: &Path) -> Self {
        let name = format!("{}.{DRAFT}", uuid::Uuid::new_v4().simple());
        Self { path: directory.join(name), stop: CancellationToken::new() }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.stop.cancel();
        remove_draft(&self.path);
    }
}

/// Removes a draft; one that has become an image is not there any more.
fn remove_draft(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "an image's draft stays behind until the next start");
    }
}

/// What is to be in the cache.
struct Wanted {
    file: String,
    disk_format: String,
    format: DiskFormat,
    convert_from: Option<Format>,
}

impl Wanted {
    fn of(image: &Image) -> Result<Self, Fault> {
        if image.status != "active" {
            return Err(Fault::bad_request(format!("Image {} is not active.", image.id)));
        }
        let Some(disk_format) = image.disk_format.clone() else {
            return Err(unacceptable(image, "its disk format is not known"));
        };
        let (format, convert_from) = match disk_format.as_str() {
            "raw" | "iso" | "ami" => (DiskFormat::Raw, None),
            "qcow2" => (DiskFormat::Qcow2, None),
            "vmdk" => (DiskFormat::Qcow2, Some(Format::Vmdk)),
            "vdi" => (DiskFormat::Qcow2, Some(Format::Vdi)),
            "vhd" => (DiskFormat::Qcow2, Some(Format::Vhd)),
            "vhdx" => (DiskFormat::Qcow2, Some(Format::Vhdx)),
            _ => return Err(unacceptable(image, "its disk format is not supported")),
        };
        let hex = |text: &&String| text.len() == 128 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = image.sha512.as_ref().filter(hex).map_or_else(|| image.id.to_string(), |hash| hash.to_lowercase());
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(unacceptable(image, "its id is not a plain name"));
        }
        let suffix = if convert_from.is_some() { ".qcow2" } else { "" };
        Ok(Self { file: format!("{key}.{disk_format}{suffix}"), disk_format, format, convert_from })
    }

    fn base(&self) -> Base {
        Base { file: self.file.clone(), format: self.format }
    }
}

fn unacceptable(image: &Image, why: &str) -> Fault {
    refusal(image.id.as_str(), why)
}

/// A 400: no host can use the image.
fn refusal(name: &str, why: &str) -> Fault {
    Fault::bad_request(format!("Image {name} is unacceptable: {why}"))
}

/// What the bytes of the file at `path` say.
fn inspect(path: &Path) -> std::io::Result<Inspection> {
    Ok(Window::of(&mut std::fs::File::open(path)?)?.inspect())
}

#[cfg(test)]
mod tests;
