//! The image cache: bytes kept in the data directory for images whose store is further away, a directory on a network for one.
//!
//! An administrator asks for an image (`openstack cached image queue`), a task fetches it, and downloads read it here from then
//! on, also while its store is gone. Nothing is cached unasked: for images in a store on the same file system there is nothing
//! to gain, and what is cached of those is a second name of the same bytes. As in a store, bytes are named by their hash.
//!
//! What goes and what comes have the same lock, so that nobody counts on bytes that are about to be removed.

use std::io;
use std::path::{Path, PathBuf};

use kit::ids::ImageId;
use kit::{Fault, crash};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::Images;
use crate::backends::draft::Draft;
use crate::backends::file::FileStore;
use crate::backends::{blocking, disk_fault};
use crate::db::{cache, images};
use crate::domain::cache::{Cached, Part, surplus};
use crate::domain::image::{Image, Status};

/// The cache.
pub(crate) struct Cache {
    files: FileStore,
    naming: Mutex<()>,
    /// Held while bytes are fetched.
    fetching: Mutex<()>,
    asked: Notify,
}

impl Cache {
    /// The cache in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            files: FileStore::new("cache", "", directory),
            naming: Mutex::new(()),
            fetching: Mutex::new(()),
            asked: Notify::new(),
        }
    }
}

/// What a pruning removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pruned {
    /// How many images.
    pub files: usize,
    /// How many bytes.
    pub bytes: i64,
}

impl Images {
    /// Makes the cache's directory, and has it and the table agree.
    ///
    /// # Errors
    /// 409 while an image is fetched; when the directory cannot be made or read.
    pub(crate) async fn clean_cache(&self) -> Result<(), Fault> {
        let busy = |_| Fault::conflict("An image is being cached. Try again when it is done.");
        let _fetching = self.cache.fetching.try_lock().map_err(busy)?;
        let _naming = self.cache.naming.lock().await;
        let known = self.store.read(|db| cache::hashes(db).map_err(Fault::from)).await?;
        self.cache.files.prepare(known, true).await.map_err(disk_fault)?;
        for entry in self.cached().await? {
            let (id, of) = (entry.image_id.clone(), entry.image_id);
            let sha512 = self.store.read(move |db| cache::get(db, &of).map_err(Fault::from)).await?;
            if !self.cache.files.holds(sha512.as_deref().unwrap_or_default()).await {
                tracing::warn!(image_id = %id, "the cache has lost an image");
                self.store.write(move |db| cache::forget(db, &Part::Image(id)).map_err(Fault::from)).await?;
            }
        }
        Ok(())
    }

    /// What is cached.
    pub(crate) async fn cached(&self) -> Result<Vec<Cached>, Fault> {
        self.store.read(|db| cache::cached(db).map_err(Fault::from)).await
    }

    /// Asks for an image.
    pub(crate) async fn queue_for_cache(&self, id: ImageId) -> Result<(), Fault> {
        let now = self.clock.now();
        self.store.write(move |db| cache::queue(db, &id, now).map_err(Fault::from)).await?;
        self.cache.asked.notify_one();
        Ok(())
    }

    /// Takes a part of the cache away.
    pub(crate) async fn forget_cached(&self, part: Part) -> Result<(), Fault> {
        let _naming = self.cache.naming.lock().await;
        self.forget_and_remove(part).await
    }

    /// Likewise, for who has the lock.
    async fn forget_and_remove(&self, part: Part) -> Result<(), Fault> {
        let gone = self.store.write(move |db| cache::forget(db, &part).map_err(Fault::from)).await?;
        self.remove_files(gone).await;
        Ok(())
    }

    async fn remove_files(&self, hashes: Vec<String>) {
        for sha512 in hashes {
            if let Err(error) = self.cache.files.remove(&sha512).await {
                tracing::warn!(%error, "bytes that the cache need not have stay until it is cleaned or started again");
            }
        }
    }

    /// Removes bytes that the cache had for an image that was deleted, unless they were cached for another one meanwhile.
    pub(crate) async fn remove_cached(&self, hashes: Vec<String>) {
        if hashes.is_empty() {
            return;
        }
        let _naming = self.cache.naming.lock().await;
        match self.store.read(|db| cache::hashes(db).map_err(Fault::from)).await {
            Ok(used) => self.remove_files(hashes.into_iter().filter(|sha512| !used.contains(sha512)).collect()).await,
            Err(fault) => tracing::warn!(error = %fault.chain(), "bytes of a deleted image stay in the cache"),
        }
    }

    /// Removes the longest unread images until the cache is as small as it has to be.
    pub(crate) async fn prune_cache(&self) -> Result<Pruned, Fault> {
        let _naming = self.cache.naming.lock().await;
        let cached = self.cached().await?;
        let most = i64::try_from(self.config.cache_max_size_bytes).unwrap_or(i64::MAX);
        let mut pruned = Pruned { files: 0, bytes: 0 };
        for entry in surplus(&cached, most) {
            self.forget_and_remove(Part::Image(entry.image_id.clone())).await?;
            pruned = Pruned { files: pruned.files + 1, bytes: pruned.bytes + entry.size };
        }
        Ok(pruned)
    }

    /// The file that the cache has of an image, where it has one; that counts as read.
    pub(crate) async fn cached_file(&self, image: &Image) -> Option<PathBuf> {
        let id = image.id.clone();
        let sha512 = self.store.read(move |db| cache::get(db, &id).map_err(Fault::from)).await.ok().flatten()?;
        if !self.cache.files.holds(&sha512).await {
            return None;
        }
        let (id, now) = (image.id.clone(), self.clock.now());
        if let Err(fault) = self.store.write_relaxed(move |db| cache::hit(db, &id, now).map_err(Fault::from)).await {
            tracing::warn!(error = %fault.chain(), "a read from the image cache was not counted");
        }
        Some(self.cache.files.path(&sha512))
    }

    /// Fetches what is asked for, until `stop`.
    pub(crate) async fn fill_cache(&self, stop: &CancellationToken) {
        loop {
            if let Err(fault) = self.fetch_queued(stop).await {
                tracing::error!(error = %fault.chain(), "the image cache's queue cannot be read");
            }
            if stop.run_until_cancelled(self.cache.asked.notified()).await.is_none() {
                return;
            }
        }
    }

    async fn fetch_queued(&self, stop: &CancellationToken) -> Result<(), Fault> {
        while !stop.is_cancelled() {
            let next = |db: &store::Connection| cache::queued(db).map(|queued| queued.into_iter().next());
            let Some(id) = self.store.read(move |db| next(db).map_err(Fault::from)).await? else { break };
            if let Err(fault) = self.fetch(&id).await {
                tracing::warn!(image_id = %id, error = %fault.chain(), "an image could not be cached and is not queued any more");
            }
            // Whatever came of it, it is not asked for any more.
            let done = id.clone();
            let is_cached = self.store.read(move |db| cache::get(db, &done).map_err(Fault::from)).await?.is_some();
            if !is_cached {
                self.forget_cached(Part::Image(id)).await?;
            }
        }
        self.prune_cache().await.map(|_| ())
    }

    /// Brings an image's bytes here.
    async fn fetch(&self, id: &ImageId) -> Result<(), Fault> {
        let _fetching = self.cache.fetching.lock().await;
        let wanted = id.clone();
        let image = self.store.read(move |db| images::get(db, &wanted).map_err(Fault::from)).await?;
        let Some(image) = image.filter(|image| image.status == Status::Active) else { return Ok(()) };
        let sha512 = image.sha512.clone().unwrap_or_default();
        let source = self.holder(&image, &[]).await?.path(&sha512);
        let draft = self.cache.files.draft();
        let target = draft.path().to_owned();
        blocking(move || link_or_copy(&source, &target)).await.map_err(disk_fault)?;
        crash::point("image.cache", "fetch", "after");
        self.keep_cached(&image, draft, sha512).await
    }

    async fn keep_cached(&self, image: &Image, draft: Draft, sha512: String) -> Result<(), Fault> {
        let _naming = self.cache.naming.lock().await;
        self.cache.files.keep(draft, &sha512).await.map_err(disk_fault)?;
        crash::point("image.cache", "keep", "after");
        let (id, hash, size, now) =
            (image.id.clone(), sha512.clone(), image.size.unwrap_or_default(), self.clock.now());
        if self.store.write(move |db| cache::fill(db, &id, &hash, size, now).map_err(Fault::from)).await? {
            return Ok(());
        }
        // It was taken out of the queue, or deleted, meanwhile.
        let used = self.store.read(|db| cache::hashes(db).map_err(Fault::from)).await?;
        if !used.contains(&sha512) {
            self.cache.files.remove(&sha512).await.map_err(disk_fault)?;
        }
        Ok(())
    }
}

/// Gives the bytes of `source` a second name, or copies them where that cannot be: to another file system.
fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    if std::fs::hard_link(source, target).is_ok() {
        return Ok(());
    }
    std::fs::copy(source, target)?;
    std::fs::File::open(target)?.sync_all()
}
