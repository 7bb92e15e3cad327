//! The compute service: Nova's API, its scheduler and its conductor.
//!
//! `api` speaks HTTP (one file per resource: its rows, then its handlers), `view` renders by microversion, `domain`
//! decides without I/O, `db` holds the SQL over this service's own tables; a resource has the same file name in each.
//! `lifecycle` is what a request sets in motion beyond the row. `scheduler`, `placement`, `conductor` and `metadata`
//! answer the bus.
//!
//! Invariants: the row is written before anything is cast, a change of state is a compare-and-swap on `task_state`,
//! and quota is counted in the transaction that inserts. No other service's table is read here.

mod api;
mod bootstrap;
mod capacity;
mod conductor;
pub mod db;
pub mod domain;
mod lifecycle;
mod metadata;
mod placement;
pub mod policy;
mod retention;
mod scheduler;
pub mod view;

use std::sync::Arc;

use bus::{Bus, Client, ServerHandle};
use kit::config::ComputeConfig;
use kit::{Fault, SharedClock, Timestamp};
use store::Store;
use tokio_util::sync::CancellationToken;

pub use capacity::{HostCapacity, Share};
pub use policy::RULES;

/// The tables of this service.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    service: "compute",
    steps: &[
        include_str!("migrations/0001_compute.sql"),
        include_str!("migrations/0002_placement.sql"),
        include_str!("migrations/0003_snapshots.sql"),
    ],
};

/// The service's state.
pub struct Compute {
    pub(crate) store: Store,
    /// Sends as `compute-api`.
    pub(crate) client: Client,
    pub(crate) clock: SharedClock,
    pub(crate) config: ComputeConfig,
    scheduler: Arc<scheduler::Scheduler>,
    conductor: Arc<conductor::Conductor>,
    metadata: Arc<metadata::Metadata>,
}

impl Compute {
    /// The service over `store`. It does no I/O.
    #[must_use]
    pub fn new(store: Store, bus: &Bus, clock: SharedClock, config: ComputeConfig) -> Arc<Self> {
        let placement = placement::Placement::new(store.clone(), clock.clone(), &config);
        let scheduler = scheduler::Scheduler::new(store.clone(), bus, clock.clone(), Arc::clone(&placement));
        let conductor = conductor::Conductor::new(store.clone(), bus, clock.clone(), placement, config.max_attempts);
        let metadata = metadata::Metadata::new(store.clone(), config.vendor_data_file.clone());
        Arc::new(Self { store, client: bus.client("compute-api"), clock, config, scheduler, conductor, metadata })
    }

    /// Nova's API.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> http_kit::Service<Self> {
        http_kit::Service::new(&http_kit::dialect::NOVA, Arc::clone(self), api::TABLES)
            .rules(RULES)
            .scopes(http_kit::Scopes::PROJECT)
    }

    /// Answers the topics of this service.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        vec![
            lifecycle::console::serve(self, bus),
            self.scheduler.serve(bus),
            self.conductor.serve(bus),
            self.metadata.serve(bus),
        ]
    }

    /// Makes what a new cloud has: flavors. Nothing where there are any.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn bootstrap(&self) -> Result<(), Fault> {
        bootstrap::run(self).await
    }

    /// The service's own work: takes up what a crash cut off, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let resume = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = lifecycle::resume::run(&self) => {}
            }
        };
        tokio::join!(resume, self.conductor.run(&stop));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
