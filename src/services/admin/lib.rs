//! cloudbox's own API for its operator, at `/cloudbox/v1`: the audit trail, the policy in force, how the cloud is.
//!
//! It owns the record of what was done (`admin_*`): the endpoint kit hands it each request that changed something or
//! authenticated somebody ([`http_kit::audit`]), and it keeps them, bounded, for a while, and passes them on to a file or a
//! syslog daemon. It decides nothing for any service: the policies that it shows are the kit's.
//!
//! Invariants:
//! * a request waits for its record only where the queue is full, and then not for ever;
//! * a record that is lost is counted, logged and seen in the health, never silent.

mod api;
mod db;
mod policy;
mod record;
pub mod status;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http_kit::{Policies, Service, Target, dialect};
use kit::config::AuditConfig;
use kit::{Condition, Fault, Identity, RequestContext, Secret, SharedClock, Timestamp};
use store::Store;
use tokio_util::sync::CancellationToken;

use record::Recorder;
pub use status::{Status, StatusSource};

/// The service's tables.
pub const MIGRATIONS: store::Migrations =
    store::Migrations { service: "admin", steps: &[include_str!("migrations/0001_audit.sql")] };

/// When the newest record in `store` was made.
///
/// # Errors
/// The store's.
pub async fn newest_record(store: &Store) -> Result<Option<Timestamp>, Fault> {
    store.read(db::audit::newest).await
}

/// The service's state.
pub struct Admin {
    pub(crate) store: Store,
    pub(crate) policies: Arc<Policies>,
    pub(crate) status: StatusSource,
    recorder: Arc<Recorder>,
}

impl Admin {
    /// The service over `store`, which shows `policies` and what `status` tells.
    #[must_use]
    pub fn new(
        store: Store,
        clock: SharedClock,
        config: AuditConfig,
        host: &str,
        policies: Arc<Policies>,
        status: StatusSource,
    ) -> Arc<Self> {
        let recorder = Arc::new(Recorder::new(store.clone(), clock, config, host));
        Arc::new(Self { store, policies, status, recorder })
    }

    /// The REST API.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> Service<Self> {
        Service::new(&dialect::CLOUDBOX, self.clone(), api::TABLES).rules(policy::RULES)
    }

    /// Whether the policy lets `identity` read the metrics.
    #[must_use]
    pub fn may_read_metrics(&self, identity: Arc<Identity>) -> bool {
        let context = RequestContext::anonymous().with_user(identity, Secret::new(""));
        let all = self.policies.all();
        let policy = all.iter().find(|(name, _)| *name == dialect::CLOUDBOX.name).map(|(_, policy)| policy);
        policy
            .and_then(|policy| policy.explain(policy::METRICS, &context, &Target::own()))
            .is_some_and(|told| told.allowed)
    }

    /// Who puts requests on record.
    #[must_use]
    pub fn auditor(&self) -> Arc<dyn http_kit::Auditor> {
        self.recorder.clone()
    }

    /// Writes records until `stop`, and then those that are still to be written.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        self.recorder.run(stop).await;
    }

    /// What is wrong with the record.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.recorder.condition()
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}
