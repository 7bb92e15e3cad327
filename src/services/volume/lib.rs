//! The volume service: Cinder.
//!
//! It owns volumes, their attachments, types and quotas; the bytes are the agents'. Making and deleting a volume are
//! workflows: the row is there first, and what a crash cut off goes on when the agent is back.

pub mod api;
mod attach;
mod db;
mod domain;
mod orphans;
mod policy;
mod rpc;
mod view;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::{Bus, Client, ServerHandle};
use http_kit::{Rule, Service, dialect};
use kit::config::VolumeConfig;
use kit::{Fault, SharedClock};
use store::{Connection, Migrations, Store};
use tokio_util::sync::CancellationToken;

use db::types::VolumeType;

/// The service's tables.
pub const MIGRATIONS: Migrations =
    Migrations { service: "volume", steps: &[include_str!("migrations/0001_volumes.sql")] };

/// The service's policy.
pub static RULES: &[Rule] = policy::RULES;

/// The one availability zone that there is.
const ZONE: &str = "nova";

/// The ids of all volumes that `db` knows.
///
/// # Errors
/// What the store reports.
pub fn ids(db: &Connection) -> Result<Vec<String>, store::Error> {
    db::volumes::ids(db)
}

/// Where the bytes of the volumes are that `db` knows, of a cloud that keeps them as files below `data_dir`.
///
/// # Errors
/// What the store reports.
pub fn files(db: &Connection, data_dir: &Path) -> Result<Vec<PathBuf>, store::Error> {
    let directory = data_dir.join("volumes");
    Ok(db::volumes::ids_of_files(db)?.iter().map(|id| directory.join(id)).collect())
}

/// How many volumes `db` knows that are not kept as files.
///
/// # Errors
/// What the store reports.
pub fn elsewhere(db: &Connection) -> Result<usize, store::Error> {
    db::volumes::count_elsewhere(db)
}

/// The volume service's state.
pub struct Volumes {
    store: Store,
    client: Client,
    clock: SharedClock,
    config: VolumeConfig,
    work: work::Running,
}

impl Volumes {
    /// The service.
    #[must_use]
    pub fn new(store: Store, bus: &Bus, clock: SharedClock, config: VolumeConfig) -> Arc<Self> {
        Arc::new(Self { store, client: bus.client("volume"), clock, config, work: work::Running::default() })
    }

    /// The REST API.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> Service<Self> {
        Service::new(&dialect::CINDER, self.clone(), api::TABLES).rules(RULES)
    }

    /// Answers topic `volume`.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        vec![rpc::serve(self, bus)]
    }

    /// Makes the default volume type.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn bootstrap(&self) -> Result<(), Fault> {
        let (name, now) = (self.config.default_type.clone(), self.clock.now());
        let default = VolumeType {
            id: uuid::Uuid::new_v4().to_string(),
            name,
            description: Some("Default Volume Type".to_owned()),
            is_public: true,
            extra_specs: std::collections::BTreeMap::new(),
        };
        self.store.write(move |db| db::types::ensure(db, &default, now).map_err(Fault::from)).await
    }

    /// Waits for the end, then for the work under way to come to a place where it can be resumed.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        stop.run_until_cancelled(self.end_orphans(self.clock.now())).await;
        stop.cancelled().await;
        self.work.stop().await;
    }
}

#[cfg(test)]
mod tests;
