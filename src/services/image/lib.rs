//! The image service: Glance.
//!
//! It owns images, their properties, tags and bytes. An image is a row first (`queued`), gets its bytes in one upload
//! (`saving`) or by an import (`importing`), and is `active` once they are on the disk, hashed and inspected. Nothing outside
//! opens a file that was not inspected. What an upload left half done is taken away at start, an import goes on.

pub mod api;
mod backends;
mod cache;
mod content;
mod db;
mod domain;
mod import;
mod intake;
mod policy;
mod quota;
mod rpc;
mod snapshot;
mod upload;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::{Bus, Client, ServerHandle};
use http_kit::{Rule, Service, dialect};
use kit::config::ImageConfig;
use kit::{Fault, SharedClock};
use store::{Connection, Migrations, Store};
use tokio_util::sync::CancellationToken;

use backends::staging::Staging;
use backends::{Stores, disk_fault};
use cache::Cache;
use import::Imports;

/// The service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "image",
    steps: &[
        include_str!("migrations/0001_images.sql"),
        include_str!("migrations/0002_members.sql"),
        include_str!("migrations/0003_metadefs.sql"),
        include_str!("migrations/0004_image_data.sql"),
        include_str!("migrations/0005_cache.sql"),
    ],
};

/// The directory of what is staged, in the data directory.
const STAGING: &str = "image-staging";
/// The directory of the image cache, in the data directory.
const CACHE: &str = "cached-images";

/// The service's policy.
pub static RULES: &[Rule] = policy::RULES;

/// The image service's state.
pub struct Images {
    store: Store,
    stores: Stores,
    staging: Staging,
    imports: Imports,
    cache: Cache,
    downloads: tokio::sync::OnceCell<outbound::Downloads>,
    client: Client,
    clock: SharedClock,
    config: ImageConfig,
    public_url: String,
}

impl Images {
    /// The service, with its files below `data_dir` and its API at `public_url`.
    #[must_use]
    pub fn new(
        store: Store,
        bus: &Bus,
        clock: SharedClock,
        config: ImageConfig,
        data_dir: &Path,
        public_url: &str,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            stores: Stores::new(&config, data_dir),
            staging: Staging::new(data_dir.join(STAGING)),
            imports: Imports::new(config.imports_at_once),
            cache: Cache::new(data_dir.join(CACHE)),
            downloads: tokio::sync::OnceCell::new(),
            client: bus.client("image"),
            clock,
            config,
            public_url: public_url.to_owned(),
        })
    }

    /// The REST API.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> Service<Self> {
        Service::new(&dialect::GLANCE, self.clone(), api::TABLES)
            .rules(RULES)
            .rules(policy::metadefs::RULES)
            .scopes(http_kit::Scopes::PROJECT)
    }

    /// Answers topic `image`.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        vec![rpc::serve(self, bus)]
    }

    /// Makes the directories, takes away what a crash left behind, and loads the metadata definitions that came with cloudbox
    /// since the last start.
    ///
    /// # Errors
    /// When a directory in the data directory cannot be made or read. A store elsewhere may be missing: it is said.
    pub async fn bootstrap(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let staged = self.store.read(|db| db::staged::all(db).map_err(Fault::from)).await?;
        let lost = self.staging.without(staged).await.map_err(disk_fault)?;
        self.store
            .write(move |db| -> Result<(), Fault> {
                lost.iter().try_for_each(|id| db::staged::remove(db, id))?;
                db::images::requeue_interrupted(db, now)?;
                Ok(())
            })
            .await?;
        let vocabulary = domain::metadefs::vocabulary::all()?;
        self.store.write(move |db| db::metadefs::loaded::load(db, &vocabulary, now)).await?;
        let staged = self.store.read(|db| db::staged::all(db).map_err(Fault::from)).await?;
        self.staging.prepare(staged, self.importing().await?).await.map_err(disk_fault)?;
        self.name_by_content().await?;
        for store in self.stores.all() {
            let (id, built_in) = (store.id().to_owned(), store.id() == backends::BUILT_IN);
            let held = self.store.read(move |db| db::locations::held(db, &id).map_err(Fault::from)).await?;
            match store.prepare(held, built_in).await.map_err(disk_fault) {
                Err(fault) if built_in => return Err(fault),
                Err(fault) => {
                    tracing::error!(store = store.id(), error = %fault.chain(), "an image store cannot be used");
                }
                Ok(()) => {}
            }
        }
        self.clean_cache().await
    }

    /// Resumes imports, fills the cache, and waits for the end, then for what is under way to come to a place where it can be resumed.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if let Err(fault) = self.resume_imports().await {
            tracing::error!(error = %fault.chain(), "imports that were cut off cannot be resumed");
        }
        tokio::join!(stop.run_until_cancelled(self.forget_tasks()), self.fill_cache(&stop));
        self.imports.stop().await;
    }
}

/// Where the bytes of the images are that `db` knows, of a cloud with its files below `data_dir`: what a copy of the database
/// needs beside it. Stores elsewhere are the operator's to copy, and what is staged can be staged again.
///
/// # Errors
/// What the store reports.
pub fn files(db: &Connection, data_dir: &Path) -> Result<Vec<PathBuf>, store::Error> {
    let stores = Stores::new(&ImageConfig::default(), data_dir);
    let mut files = Vec::new();
    for store in stores.all() {
        files.extend(db::locations::held(db, store.id())?.iter().map(|sha512| store.path(sha512)));
    }
    Ok(files)
}

/// How many images `db` knows whose bytes are in stores alone that [`files`] does not know: by one of those stores.
///
/// # Errors
/// What the store reports.
pub fn elsewhere(db: &Connection) -> Result<Vec<(String, usize)>, store::Error> {
    db::locations::count_without(db, backends::BUILT_IN)
}

#[cfg(test)]
mod tests;
