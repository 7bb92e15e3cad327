//! From who somebody says to be, and proofs of it, to a token.
//!
//! The methods ([`super::methods`]) prove who it is; what is asked for is looked up ([`super::scope`]); what the token
//! says is worked out exactly as a validation does it ([`super::validate`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_kit::Request;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Identity, Secret, Timestamp};

use super::audit::AuditId;
use super::methods::{Attempt, METHODS, Proof, Proven};
use super::scope::{self, Scoped};
use super::{Invalid, Payload, ScopeId};
use crate::domain::login::{Login, ScopeAsked};
use crate::{IdentityService, db, error};

/// A new token and what it says.
pub(crate) struct Issued {
    pub(crate) token: Secret,
    pub(crate) identity: Arc<Identity>,
}

/// When an authentication began. What is revoked from there on ends the token that it leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    at: Instant,
    moment: Timestamp,
}

impl IdentityService {
    /// An authentication begins: before anything is looked at.
    pub(crate) fn begin(&self) -> Begun {
        Begun { at: Instant::now(), moment: self.moment() }
    }

    /// A token for what `login`, which came with `request`, asks.
    ///
    /// # Errors
    /// 401 where a proof or the scope is not accepted.
    pub(crate) async fn issue(&self, login: &Login<'_>, request: &Request) -> Result<Issued, Fault> {
        let begun = self.begin();
        let mut proven = None;
        for proof in proofs(login, request)? {
            let next = proof.verify(self).await?;
            proven = Some(match proven {
                Some(proven) => Proven::combine(proven, next)?,
                None => next,
            });
        }
        self.issue_for(proven.ok_or_else(error::unauthorized)?, &login.scope, begun).await
    }

    /// A token for what has been `proven`, by something that had `begun`.
    ///
    /// # Errors
    /// 401 where the scope is not accepted.
    pub(crate) async fn issue_for(&self, proven: Proven, asked: &ScopeAsked, begun: Begun) -> Result<Issued, Fault> {
        let now = self.clock.now();
        let latest = match proven.parent {
            Some(_) => Timestamp::MAX,
            None => end_of_token(now, Duration::from_secs(self.config.token_ttl_secs)),
        };
        let payload = Payload {
            user_id: proven.user_id.into(),
            scope: ScopeId::Unscoped,
            basis: proven.basis,
            methods: proven.methods,
            audit_id: AuditId::random(),
            parent_audit_id: proven.parent,
            issued_at: begun.moment,
            expires_at: proven.expires_at.unwrap_or(latest).min(latest),
            authentication_micros: u32::try_from(begun.at.elapsed().as_micros()).unwrap_or(u32::MAX),
        };
        let generation = self.cache.generation();
        let (fixed, asked) = (proven.scope, asked.clone());
        let scoped = self.store.read(move |db| match fixed {
            Some(fixed) => scope::fixed(db, payload, fixed),
            None => scope::apply(db, payload, &asked),
        });
        let Scoped { payload, identity, uses } = scoped.await.map_err(Invalid::for_login)?;
        if let Some(trust) = uses {
            self.write_aside(move |db| db::trusts::consume(db, &trust)).await?;
        }
        let token = self.keys.seal(&payload).map_err(|error| Fault::internal("sealing a token", error))?;
        let identity = Arc::new(identity);
        self.cache.put(&token, identity.clone(), generation, now);
        Ok(Issued { token: Secret::new(token), identity })
    }
}

/// What `login` offers as proof, all of it read before any is verified.
fn proofs(login: &Login<'_>, request: &Request) -> Result<Vec<Box<dyn Proof>>, Fault> {
    let mut proofs = Vec::new();
    for (name, data) in &login.methods {
        let method = METHODS.iter().find(|method| method.name == *name).ok_or_else(error::unsupported_method)?;
        proofs.push((method.parse)(&Attempt { data, scope: &login.scope, request })?);
    }
    Ok(proofs)
}

/// Whole seconds, as Keystone prints them.
fn end_of_token(now: Timestamp, ttl: Duration) -> Timestamp {
    let second = 1_000_000;
    let now = to_micros(now) / second * second;
    from_micros(now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)))
}
