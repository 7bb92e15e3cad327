//! Where images' bytes are kept: named stores, each a directory, and the staging area of imports.
//!
//! Within a store bytes are named by their SHA-512, so that equal images take their room once; which images they belong to
//! is in the table of locations. Giving bytes their name and recording it, and finding that nobody needs them and removing
//! them, happen under one lock ([`Stores::naming`]): no upload counts on what a deletion is about to remove.

pub mod draft;
pub mod file;
pub mod read;
pub mod staging;

use std::io;
use std::path::Path;
use std::sync::Arc;

use kit::Fault;
use kit::config::ImageConfig;
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use file::FileStore;

/// The store that there always is.
pub const BUILT_IN: &str = "file";

/// All stores.
pub struct Stores {
    all: Vec<Arc<FileStore>>,
    default: String,
    naming: Mutex<()>,
    /// The threads that hash and write bytes at once, for all uploads together: one for each processor, and one that may
    /// wait for a disk.
    pub writers: Arc<Semaphore>,
}

impl Stores {
    /// The stores that `config` names, and the one in `data_dir`.
    pub fn new(config: &ImageConfig, data_dir: &Path) -> Self {
        let mut all = vec![Arc::new(FileStore::new(BUILT_IN, "", data_dir.join("images")))];
        for store in &config.stores {
            all.retain(|known| known.id() != store.id);
            all.push(Arc::new(FileStore::new(&store.id, &store.description, store.path.clone())));
        }
        let threads = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        Self {
            all,
            default: config.default_store.clone(),
            naming: Mutex::new(()),
            writers: Arc::new(Semaphore::new(threads + 1)),
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<FileStore>] {
        &self.all
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<String> {
        self.all.iter().map(|store| store.id().to_owned()).collect()
    }

    /// The id of the one that takes what names no other.
    pub fn default_id(&self) -> &str {
        &self.default
    }

    /// The one called `id`.
    pub fn get(&self, id: &str) -> Option<&Arc<FileStore>> {
        self.all.iter().find(|store| store.id() == id)
    }

    /// The one called `id`, which a row names.
    ///
    /// # Errors
    /// A 503: it is not configured any more.
    pub fn known(&self, id: &str) -> Result<&Arc<FileStore>, Fault> {
        self.get(id).ok_or_else(|| {
            Fault::unavailable(format!("The image store {id} is not configured; add it to [[image.stores]] again."))
        })
    }

    /// The right to give bytes their name, or to remove them.
    pub async fn naming(&self) -> MutexGuard<'_, ()> {
        self.naming.lock().await
    }
}

/// Runs `work`, which blocks.
///
/// # Errors
/// What `work` reports; that it panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// What a client is told of `error`, which came of writing to a store.
pub fn disk_fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::too_large(
            "Image storage media is full: there is not enough disk space on the image storage media. Free some and try again.",
        )
        .caused_by(error),
        io::ErrorKind::NotFound => Fault::unavailable(
            "The image store is not there: its directory is missing. Mount it, or name another store, and try again.",
        )
        .caused_by(error),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Fault::unavailable("Insufficient permissions on image storage media: it cannot be written to.")
                .caused_by(error)
        }
        _ => Fault::internal("writing an image", error),
    }
}
