//! The method `totp`: a user and the passcode that the user's authenticator shows.
//!
//! A passcode is accepted once, and none before one that was. Failures are limited as those of passwords are: there are
//! only a million passcodes.

use std::net::IpAddr;

use http_kit::{BoxFuture, Condition};
use kit::{Fault, Secret};

use super::password::find_user;
use super::{Attempt, Method, Methods, Proof, Proven};
use crate::domain::credential::TOTP;
use crate::domain::login::{Named, user_named};
use crate::domain::totp::step_of;
use crate::domain::user::User;
use crate::{IdentityService, db, error};

pub(super) const METHOD: Method = Method { name: "totp", bit: Methods::TOTP, parse };

struct PasscodeProof {
    user: Named,
    passcode: Secret,
    source: Option<IpAddr>,
}

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    let user = user_named(attempt.data, "totp")?;
    let passcode = attempt.data.pointer("/user/passcode").and_then(|passcode| passcode.as_str());
    let passcode = Secret::new(passcode.ok_or_else(error::unauthorized)?);
    Ok(Box::new(PasscodeProof { user, passcode, source: attempt.request.peer() }))
}

impl Proof for PasscodeProof {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let (asked, named) = (format!("{:?}", self.user), self.user);
            let found = service.store.read(move |db| find_user(db, &named)).await?;
            let who = found.as_ref().map_or(asked.as_str(), |user| user.id.as_str());
            let attempt = service.limiter.attempt(self.source, &format!("totp {who}"));
            service.limiter.admit(attempt).await?;
            let user = match found {
                Some(user) if user.enabled && service.use_passcode(&user, self.passcode).await? => user,
                _ => {
                    service.limiter.failed(attempt);
                    return Err(error::unauthorized());
                }
            };
            service.limiter.succeeded(attempt);
            Ok(Proven::new(user.id, Methods::TOTP))
        })
    }
}

impl IdentityService {
    /// Whether `passcode` is one that `user` has not used yet; it is used then.
    async fn use_passcode(&self, user: &User, passcode: Secret) -> Result<bool, Fault> {
        let seeds = Condition::is("user_id", user.id.as_str()).and(Condition::is("type", TOTP));
        let (now, previous) = (self.clock.now(), self.config.totp_previous_windows);
        for seed in self.credentials(seeds).await? {
            if let Some(step) = step_of(&seed.blob, &passcode, now, previous) {
                return self.write_aside(move |db| db::credentials::use_passcode(db, &seed.id, step)).await;
            }
        }
        Ok(false)
    }
}
