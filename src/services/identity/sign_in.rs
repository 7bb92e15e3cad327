//! Whether a password is its user's, with all that stands between: limits, lockout, expiry.
//!
//! The one place where a password is checked, for a token and for changing it. Whoever is refused reads the same 401 and
//! waits for one hash, whether the user is unknown, disabled, locked out or has another password.
//!
//! The count of failures and the lock are decided on the writer, in the order in which the hashes came out: of many
//! guesses at once no more are looked at than of one after the other.

use std::net::IpAddr;

use kit::{Fault, FaultKind, Secret, Timestamp};
use store::Connection;

use crate::domain::password::{day_of, is_expired};
use crate::domain::user::User;
use crate::{IdentityService, db, error};

/// Why a password was not accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is not the one, or nobody is told: unknown, locked out.
    Wrong,
    /// It is the one, of a user who is disabled.
    Disabled(User),
    /// It is the one, and has to be changed.
    Expired(User),
    /// It was not looked at.
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    /// What somebody who wanted a token is told. Only who knows the password learns that it has to be changed.
    pub(crate) fn for_login(self) -> Fault {
        match self {
            Self::Wrong | Self::Disabled(_) => error::unauthorized(),
            Self::Expired(user) => {
                Fault::unauthorized(format!("The password is expired and needs to be changed for user: {}.", user.id))
            }
            Self::Fault(fault) => fault,
        }
    }
}

impl IdentityService {
    /// The user that `find` finds, if `password` is its own. `asked` is how the user was named.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(crate) async fn check_password(
        &self,
        asked: &str,
        find: impl FnOnce(&Connection) -> Result<Option<User>, Fault> + Send + 'static,
        password: Secret,
        source: Option<IpAddr>,
    ) -> Result<User, Refusal> {
        let found = self.store.read(move |db| with_hash(db, find(db)?)).await?;
        let attempt = self.limiter.attempt(source, found.as_ref().map_or(asked, |(user, _)| user.id.as_str()));
        self.limiter.admit(attempt).await?;
        let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
        let admit = || self.limiter.check(attempt);
        let right = self.passwords.verify_admitted(password.clone(), hash.clone(), admit).await?;
        let user = match found {
            Some((user, _)) if self.settle(&user, right).await? => user,
            _ => {
                self.limiter.failed(attempt);
                return Err(Refusal::Wrong);
            }
        };
        self.limiter.succeeded(attempt);
        let now = self.clock.now();
        if !user.enabled || !self.is_active(&user).await? {
            return Err(Refusal::Disabled(user));
        }
        if is_expired(user.password_expires_at, &user.options, now) {
            return Err(Refusal::Expired(user));
        }
        self.after_success(&user, password, hash).await;
        Ok(user)
    }

    /// Whether `user`, who is enabled, has not been inactive for so long that it is to be disabled: what housekeeping has
    /// yet to do.
    async fn is_active(&self, user: &User) -> Result<bool, Fault> {
        let since = self.rules.inactive_before(self.clock.now());
        if since.is_none_or(|since| user.last_active_at.unwrap_or(user.created_at) >= since) {
            return Ok(true);
        }
        self.disable_inactive().await?;
        let id = user.id.clone();
        self.store.read(move |db| Ok(db::users::find(db, &id)?.is_some_and(|user| user.enabled))).await
    }

    /// Counts a `right` or wrong password; whether it is accepted.
    async fn settle(&self, user: &User, right: bool) -> Result<bool, Fault> {
        let Some(lockout) = self.rules.lockout(&user.options) else { return Ok(right) };
        let (id, now) = (user.id.clone(), self.clock.now());
        if right {
            let wanted = id.clone();
            let failures = self.store.read(move |db| db::passwords::failures(db, &wanted)).await?;
            if failures == crate::domain::password::Failures::default() {
                return Ok(true);
            }
        }
        // No token depends on it, so that nothing that was validated has to be looked at anew.
        self.store
            .write_relaxed(move |db| {
                let before = db::passwords::failures(db, &id)?;
                let (after, accepted) = before.after(right, lockout, now);
                if after != before {
                    db::passwords::set_failures(db, &id, after)?;
                }
                Ok(accepted)
            })
            .await
    }

    /// Notes the day of the login, and hashes the password anew where it was hashed otherwise than now set. Either can
    /// be made up for at the next login.
    async fn after_success(&self, user: &User, password: Secret, hash: Option<String>) {
        let today = day_of(self.clock.now());
        if user.last_active_at != Some(today) {
            let id = user.id.clone();
            let noted = self.store.write_relaxed(move |db| db::passwords::set_last_active(db, &id, today)).await;
            warn(noted, "noting the day of a login");
        }
        let Some(old) = hash.filter(|hash| !self.passwords.is_current(hash)) else { return };
        match self.passwords.hash(password).await {
            Ok(new) => {
                let id = user.id.clone();
                let done = self.store.write_relaxed(move |db| db::passwords::rehash(db, &id, &old, &new)).await;
                warn(done, "storing a password that was hashed anew");
            }
            Err(fault) => warn(Err(fault), "hashing a password anew"),
        }
    }

    /// Disables who has not logged in for too long, but for the last administrator: nobody could bring anybody back.
    pub(crate) async fn disable_inactive(&self) -> Result<(), Fault> {
        let Some(day) = self.rules.inactive_before(self.clock.now()) else { return Ok(()) };
        let inactive = self.store.read(move |db| db::passwords::inactive(db, day)).await?;
        for user in inactive {
            let (id, moment) = (user.id.clone(), self.moment());
            let disabled = self.write_keeping_administrator(move |db| disable(db, user, moment)).await;
            match disabled {
                Ok(()) => tracing::info!(user_id = id, "a user was disabled who had not logged in for long"),
                Err(fault) if fault.kind() == FaultKind::Forbidden => {
                    tracing::debug!(user_id = id, "the last administrator has not logged in for long");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

fn disable(db: &Connection, mut user: User, moment: Timestamp) -> Result<(), Fault> {
    user.enabled = false;
    user.tokens_valid_since = moment;
    db::users::update(db, &user)
}

fn with_hash(db: &Connection, user: Option<User>) -> Result<Option<(User, Option<String>)>, Fault> {
    let Some(user) = user else { return Ok(None) };
    let hash = db::passwords::get(db, &user.id)?.hash;
    Ok(Some((user, hash)))
}

fn warn(result: Result<(), Fault>, doing: &str) {
    if let Err(fault) = result {
        tracing::warn!(error = fault.chain(), doing, "put off until the next login");
    }
}
