//! Forgetting what is over: every service is asked in turn, now and then, to remove what is older than `[retention]` says.
//!
//! It is one task, so that two services never remove at once, and each removes in small batches. The audit trail and what
//! identity revokes bound themselves, because they grow by the second.

use std::sync::Arc;
use std::time::Duration;

use compute::Compute;
use identity::IdentityService;
use kit::config::RetentionConfig;
use tokio_util::sync::CancellationToken;

/// How long after the start it is looked for the first time: not while guests are being started.
const FIRST: Duration = Duration::from_secs(60);
/// How often from then on.
const LOOK: Duration = Duration::from_secs(3_600);

/// Whoever remembers something.
pub(super) struct Retention {
    pub(super) config: RetentionConfig,
    pub(super) compute: Arc<Compute>,
    pub(super) identity: Arc<IdentityService>,
}

impl Retention {
    /// Has what is over forgotten, until `stop`.
    pub(super) async fn run(&self, stop: CancellationToken) {
        let mut pause = FIRST;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            pause = LOOK;
            if stop.run_until_cancelled(self.look()).await.is_none() {
                return;
            }
        }
    }

    async fn look(&self) {
        told("compute", self.compute.forget(&self.config).await);
        told("identity", self.identity.forget(&self.config).await);
    }
}

fn told(service: &'static str, forgotten: Result<usize, kit::Fault>) {
    match forgotten {
        Ok(0) => {}
        Ok(rows) => tracing::info!(service, rows, "forgot what is over"),
        Err(fault) => {
            tracing::error!(service, error = fault.chain(), "what is over could not be removed and is tried again");
        }
    }
}
