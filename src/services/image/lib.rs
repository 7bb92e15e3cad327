//! The image service: Glance.
//!
//! It owns images, their properties, tags and bytes. An image is a row first (`queued`), gets its bytes in one upload
//! (`saving`) and is `active` once they are on the disk, hashed and inspected. Nothing outside opens a file that was not
//! inspected. What an upload left half done is taken away at start.

pub mod api;
mod backends;
mod db;
mod domain;
mod policy;
mod quota;
mod rpc;
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

use backends::file::FileStore;

/// The service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "image",
    steps: &[
        include_str!("migrations/0001_images.sql"),
        include_str!("migrations/0002_members.sql"),
        include_str!("migrations/0003_metadefs.sql"),
    ],
};

/// The service's policy.
pub static RULES: &[Rule] = policy::RULES;

/// The image service's state.
pub struct Images {
    store: Store,
    files: FileStore,
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
            files: FileStore::new(data_dir.join("images")),
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

    /// Makes the directories, takes away what uploads left behind that a crash cut off, and loads the metadata definitions
    /// that came with cloudbox since the last start.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub async fn bootstrap(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        self.store.write(move |db| db::images::requeue_interrupted(db, now)).await?;
        let vocabulary = domain::metadefs::vocabulary::all()?;
        self.store.write(move |db| db::metadefs::loaded::load(db, &vocabulary, now)).await?;
        let known = self.store.read(db::images::ids_with_bytes).await?;
        self.files.prepare(&known).await.map_err(|error| Fault::internal("preparing the image store", error))
    }

    /// Nothing runs by itself yet: it waits for the end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        stop.cancelled().await;
    }
}

/// Where the bytes of the images are that `db` knows, of a cloud with its files below `data_dir`: what a copy of the database
/// needs beside it.
///
/// # Errors
/// What the store reports.
pub fn files(db: &Connection, data_dir: &Path) -> Result<Vec<PathBuf>, store::Error> {
    let store = FileStore::new(data_dir.join("images"));
    let known = db::images::ids_with_bytes(db)?;
    Ok(known.iter().map(|id| store.path(&id.as_str().into())).collect())
}

#[cfg(test)]
mod tests;
