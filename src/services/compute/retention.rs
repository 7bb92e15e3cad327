//! How long deleted servers and what was asked of servers are remembered: what `[retention]` says.

use kit::Fault;
use kit::config::RetentionConfig;

use crate::{Compute, db};

/// How many rows are removed at once, so that other writers wait for milliseconds only.
const SERVERS: usize = 50;
const ACTIONS: usize = 200;

impl Compute {
    /// Forgets what is older than `keep` says; how many rows.
    ///
    /// # Errors
    /// What the store reports. What was forgotten before stays so.
    pub async fn forget(&self, keep: &RetentionConfig) -> Result<usize, Fault> {
        let mut forgotten = 0;
        if let Some(before) = RetentionConfig::cutoff(self.now(), keep.deleted_servers_days) {
            let delete = move |db: &store::Connection, limit| db::retention::delete_servers(db, before, limit);
            forgotten += self.store.write_batches(SERVERS, delete).await?;
        }
        if let Some(before) = RetentionConfig::cutoff(self.now(), keep.server_actions_days) {
            let delete = move |db: &store::Connection, limit| db::retention::delete_actions(db, before, limit);
            forgotten += self.store.write_batches(ACTIONS, delete).await?;
        }
        Ok(forgotten)
    }
}
