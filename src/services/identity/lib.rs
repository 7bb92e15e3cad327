//! The identity service (Keystone): who there is, what they may do where, and the tokens that say so.
//!
//! It owns domains, projects, users, roles, their assignments, the catalog, the token keys and its tables
//! (`identity_*`). It does not decide what other services allow: it tells them who asks ([`ValidateToken`]), and
//! each checks its own policy.
//!
//! Invariants:
//! * every write goes through [`IdentityService::write`], which makes validated tokens be looked at anew;
//! * passwords are hashed off the async workers, a few at a time ([`password`]);
//! * a token is not stored, and good until it expires, is revoked or what it stands for is gone ([`token`]).
//!
//! [`ValidateToken`]: bus::topics::identity::ValidateToken

mod api;
mod bootstrap;
mod catalog;
mod db;
mod domain;
mod error;
mod federation;
#[doc(hidden)]
pub mod fuzzing;
mod login_limits;
mod moments;
mod oauth1;
mod oidc;
mod password;
mod policy;
mod retention;
mod secrets;
mod settings;
mod sign_in;
mod token;
mod vault;
mod view;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::topics::identity::{GetLimits, TOPIC, ValidateToken};
use bus::{Bus, ServerHandle};
use kit::config::IdentityConfig;
use kit::{Fault, SharedClock, Timestamp};
use store::{Connection, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::password::PasswordRules;
use crate::login_limits::Limiter;
use crate::moments::Moments;
use crate::password::Passwords;
use crate::secrets::Secrets;
use crate::token::Invalid;
use crate::token::cache::Cache;
use crate::token::keys::Keys;

pub use policy::RULES;
pub use settings::{WrongSetting, check as check_settings};
pub use token::keys::{KeyError, rotate_now as rotate_keys};

/// Identity's tables.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    service: "identity",
    steps: &[
        include_str!("migrations/0001_identity.sql"),
        include_str!("migrations/0002_delegation.sql"),
        include_str!("migrations/0003_passwords.sql"),
        include_str!("migrations/0004_catalog_and_policies.sql"),
        include_str!("migrations/0005_federation.sql"),
        include_str!("migrations/0006_groups.sql"),
    ],
};

/// How often keys that are due are rotated and expired revocations forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// How long the revocation of a token is kept after the token has expired.
const REVOCATIONS_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// The identity service's state.
pub struct IdentityService {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) config: IdentityConfig,
    pub(crate) keys: Arc<Keys>,
    pub(crate) credential_keys: Arc<Keys>,
    pub(crate) cache: Arc<Cache>,
    catalogs: catalog::Catalogs,
    offered: federation::Offered,
    pub(crate) oidc: oidc::Oidc,
    pub(crate) oauth1: oauth1::OAuth1,
    pub(crate) passwords: Passwords,
    pub(crate) secrets: Secrets,
    pub(crate) rules: PasswordRules,
    pub(crate) limiter: Limiter,
    moments: Moments,
    /// Writes that go on when their caller has gone, so that what they change is not overlooked.
    writes: TaskTracker,
}

impl IdentityService {
    /// A service over `store`, with its keys below `data_dir`. Nothing is read yet: see
    /// [`bootstrap`](Self::bootstrap), before which there are no tokens.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, config: IdentityConfig, data_dir: &Path) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            secrets: Secrets::new(),
            passwords: Passwords::new(&config.passwords),
            rules: PasswordRules::new(config.security_compliance.clone()),
            limiter: Limiter::new(&config.login_limits),
            moments: Moments::default(),
            oidc: oidc::Oidc::new(&config.oidc),
            oauth1: oauth1::OAuth1::new(data_dir),
            offered: federation::Offered::default(),
            config,
            keys: Arc::new(Keys::new(data_dir)),
            credential_keys: Arc::new(Keys::for_credentials(data_dir)),
            cache: Arc::default(),
            catalogs: catalog::Catalogs::default(),
            writes: TaskTracker::new(),
        })
    }

    /// Its REST API, which wants an authenticator.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> http_kit::Service<Self> {
        http_kit::Service::new(&http_kit::dialect::KEYSTONE, self.clone(), api::TABLES)
            .rules(RULES)
            .rules(policy::catalog::RULES)
            .home(api::home::describe)
    }

    /// Answers the topic `identity`.
    #[must_use = "dropping the handles stops the servers"]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        let service = self.clone();
        let validate = move |_context, message: ValidateToken| {
            let service = service.clone();
            async move { service.validate(&message.token).await.map_err(Invalid::for_bearer) }
        };
        let store = self.store.clone();
        let limits = move |_context, message: GetLimits| {
            let store = store.clone();
            async move { store.read(move |db| db::limits::applying(db, &message.service_type, &message.project_id)).await }
        };
        vec![bus.server(TOPIC).on::<ValidateToken, _, _>(validate).on::<GetLimits, _, _>(limits).start()]
    }

    /// Rotates keys and forgets expired revocations until `stop`; then waits for writes under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(HOUSEKEEPING)).await.is_some() {
            if let Err(fault) = self.keep_house().await {
                tracing::error!(error = %fault.chain(), "identity's housekeeping failed and is tried again");
            }
        }
        self.writes.close();
        self.writes.wait().await;
        if let Err(fault) = self.save_moments().await {
            tracing::error!(error = %fault.chain(), "the moment of the last token could not be noted");
        }
    }

    pub(crate) async fn keep_house(&self) -> Result<(), Fault> {
        self.passwords.tidy();
        self.load_keys().await?;
        self.keep_vault().await?;
        self.disable_inactive().await?;
        self.save_moments().await?;
        // Kept for a while longer: a clock that was ahead when this ran, and is set right, must not bring a token back.
        let past = self.clock.now().checked_sub(REVOCATIONS_KEPT).unwrap_or(Timestamp::MIN);
        self.store
            .write_relaxed(move |db| {
                db::oauth1_tokens::delete_expired(db, past)?;
                db::revocations::delete_expired(db, past)
            })
            .await
    }

    /// The moment at which something is issued or revoked: now, and later than all before it ([`moments`]).
    pub(crate) fn moment(&self) -> Timestamp {
        self.moments.next(self.clock.now())
    }

    /// Lets time go on from what the database has seen of it.
    pub(crate) async fn load_moments(&self) -> Result<(), Fault> {
        let latest = self.store.read(db::moments::latest).await?;
        self.moments.go_on_from(latest);
        Ok(())
    }

    async fn save_moments(&self) -> Result<(), Fault> {
        let Some(moment) = self.moments.unsaved() else { return Ok(()) };
        self.store.write_relaxed(move |db| db::moments::set(db, moment)).await
    }

    /// Brings the token keys up to date with their file and the time.
    async fn load_keys(&self) -> Result<(), Fault> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        let rotation = Duration::from_secs(self.config.key_rotation_secs);
        // Tokens are shown to services for a while after their end.
        let ttl = Duration::from_secs(self.config.token_ttl_secs.saturating_add(self.config.allow_expired_window_secs));
        let loaded = tokio::task::spawn_blocking(move || keys.load_and_rotate(now, rotation, ttl)).await;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| Fault::internal("loading the token keys", error);
        // Tokens that no key opens any more are not remembered either.
        if loaded.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))? {
            self.cache.advance();
        }
        Ok(())
    }

    /// Runs `job` on the writer, durably, and has all validated tokens looked at anew. It is done to its end even
    /// if the caller goes away meanwhile.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (store, cache) = (self.store.clone(), self.cache.clone());
        let write = self.writes.spawn(async move {
            let result = store.write(job).await;
            cache.advance();
            result
        });
        match write.await {
            Ok(result) => result,
            Err(error) => Err(Fault::internal("changing identity's tables", error)),
        }
    }

    /// As [`write`](Self::write), for what takes something away: refused where nobody could administer the cloud any more.
    pub(crate) async fn write_keeping_administrator<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.write(move |db| {
            let before = db::effective::has_administrator(db)?;
            let result = job(db)?;
            // A cloud that has none already must not be kept from changing.
            if before && !db::effective::has_administrator(db)? {
                return Err(error::last_administrator());
            }
            Ok(result)
        })
        .await
    }
}

impl IdentityService {
    /// Runs `job` on the writer, durably, for what no token's validity depends on: uses that are counted.
    pub(crate) async fn write_aside<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.store.write(job).await
    }
}

impl std::fmt::Debug for IdentityService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityService").field("config", &self.config).finish_non_exhaustive()
    }
}
