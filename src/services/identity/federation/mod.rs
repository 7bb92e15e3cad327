//! Federation: people whom an identity provider vouches for.
//!
//! A mapping ([`crate::domain::mapping`]) makes of what the provider says a user, groups and projects; [`admit`] brings the
//! tables to that and answers who has been proven. The user is made at its first login and goes with its provider.
//! Its groups are those that the provider named at the last login: tokens of an earlier one lose what
//! was taken away there.

mod admit;

mod provision;

use std::sync::{Arc, Mutex, PoisonError};

use http_kit::Condition;
use kit::Fault;
use serde_json::Value;

pub(crate) use self::admit::Guest;
use crate::token::cache::Generation;
use crate::{IdentityService, db, view};

/// The enabled service providers, as tokens name them, at a generation of identity's tables.
#[derive(Default)]
pub(crate) struct Offered(Mutex<Option<(Generation, Option<Arc<Value>>)>>);

impl Offered {
    fn remembered(&self) -> std::sync::MutexGuard<'_, Option<(Generation, Option<Arc<Value>>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IdentityService {
    /// The enabled service providers, as tokens name them; none where there are none.
    pub(crate) async fn service_providers(&self) -> Result<Option<Arc<Value>>, Fault> {
        // Before the table is read: what is read may be newer, never older.
        let generation = self.cache.generation();
        let remembered = self.offered.remembered().clone();
        if let Some((_, offered)) = remembered.filter(|(read_at, _)| *read_at == generation) {
            return Ok(offered);
        }
        let enabled = Condition::is("enabled", true);
        let found = self.store.read(move |db| db::service_providers::list(db, &enabled)).await?;
        let listed: Vec<Value> = found.iter().map(view::federation::offered_service_provider).collect();
        let offered = (!listed.is_empty()).then(|| Arc::new(Value::Array(listed)));
        *self.offered.remembered() = Some((generation, offered.clone()));
        Ok(offered)
    }
}
