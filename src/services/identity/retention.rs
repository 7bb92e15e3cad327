//! How long trusts and OAuth access tokens are remembered after their end: what `[retention]` says. Revocations and request
//! tokens go by themselves, as part of the service's housekeeping.

use kit::Fault;
use kit::config::RetentionConfig;

use crate::{IdentityService, db};

/// How many rows are removed at once.
const BATCH: usize = 200;

impl IdentityService {
    /// Forgets what is older than `keep` says; how many rows.
    ///
    /// # Errors
    /// What the store reports. What was forgotten before stays so.
    pub async fn forget(&self, keep: &RetentionConfig) -> Result<usize, Fault> {
        let Some(before) = RetentionConfig::cutoff(self.clock.now(), keep.expired_delegations_days) else {
            return Ok(0);
        };
        let trusts = move |db: &store::Connection, limit| db::trusts::delete_expired(db, before, limit);
        let tokens = move |db: &store::Connection, limit| db::oauth1_tokens::delete_expired_access(db, before, limit);
        // They are dead already: no validated token has to be looked at anew.
        Ok(self.store.write_batches(BATCH, trusts).await? + self.store.write_batches(BATCH, tokens).await?)
    }
}
