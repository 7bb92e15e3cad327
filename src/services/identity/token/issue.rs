//! From who somebody says to be, and proofs of it, to a token.
//!
//! The methods ([`super::methods`]) prove who it is; what is asked for is looked up ([`super::scope`]); what the token
//! says is worked out exactly as a validation does it ([`super::validate`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_kit::Request;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Identity, Secret, Timestamp};
use store::Connection;

use super::audit::AuditId;
use super::methods::{Attempt, METHODS, Methods, Proof, Proven};
use super::receipt::Receipt;
use super::scope::{self, Scoped};
use super::{Invalid, Payload, ScopeId};
use crate::domain::login::{Login, ScopeAsked};
use crate::domain::multi_factor::missing;
use crate::domain::user::User;
use crate::{IdentityService, db, error};

/// The header that a receipt comes and goes in.
pub(crate) const RECEIPT: &str = "Openstack-Auth-Receipt";

/// What a login leads to.
pub(crate) enum Outcome {
    Token(Issued),
    /// More methods are needed.
    Receipt(Receipt),
}

/// Why somebody gets no token.
enum Denied {
    Invalid(Invalid),
    /// More methods are needed: of these sets one.
    Lacking(Box<(User, Vec<Vec<String>>)>),
}

impl<E: Into<Invalid>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self::Invalid(error.into())
    }
}

impl Denied {
    fn for_login(self) -> Fault {
        match self {
            Self::Invalid(invalid) => invalid.for_login(),
            Self::Lacking(_) => error::unauthorized(),
        }
    }
}

/// Whether the user's rules of several methods are still to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Factors {
    Counted,
    Settled,
}

impl Factors {
    fn check(self, db: &Connection, payload: &Payload) -> Result<(), Denied> {
        if self == Self::Settled {
            return Ok(());
        }
        let user = db::users::get(db, payload.user_id.as_str())?;
        match missing(&user.options, &payload.methods.names(), &known()) {
            None => Ok(()),
            Some(required) => Err(Denied::Lacking(Box::new((user, required)))),
        }
    }
}

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

    /// A token for what `login`, which came with `request`, asks; or a receipt, where the user needs more methods.
    ///
    /// # Errors
    /// 401 where a proof or the scope is not accepted.
    pub(crate) async fn issue(&self, login: &Login<'_>, request: &Request) -> Result<Outcome, Fault> {
        let begun = self.begin();
        let mut proven = None;
        for proof in proofs(login, request)? {
            let next = proof.verify(self).await?;
            proven = Some(match proven {
                Some(proven) => Proven::combine(proven, next)?,
                None => next,
            });
        }
        let mut proven = proven.ok_or_else(error::unauthorized)?;
        if let Some(receipt) = request.header(RECEIPT) {
            proven.methods = proven.methods.and(self.redeemed(receipt, &proven.user_id).await?);
        }
        let methods = proven.methods;
        match self.grant(proven, &login.scope, begun, Factors::Counted).await {
            Ok(issued) => Ok(Outcome::Token(issued)),
            Err(Denied::Lacking(lacking)) => {
                let (user, required) = *lacking;
                self.begun_login(user, methods, required).await
            }
            Err(denied) => Err(denied.for_login()),
        }
    }

    /// The methods that the receipt in `text`, which must be `user_id`'s, says to have been proven before.
    async fn redeemed(&self, text: &str, user_id: &str) -> Result<Methods, Fault> {
        let id = user_id.to_owned();
        let user = self.store.read(move |db| db::users::find(db, &id)).await?.ok_or_else(error::unauthorized)?;
        self.redeem(text, user_id, user.tokens_valid_since)
    }

    async fn begun_login(&self, user: User, methods: Methods, required: Vec<Vec<String>>) -> Result<Outcome, Fault> {
        let domain_id = user.domain_id.clone();
        let domain = self.store.read(move |db| db::projects::get_domain(db, &domain_id)).await?;
        if !user.enabled || !domain.enabled {
            return Err(error::unauthorized());
        }
        let domain = kit::DomainRef { id: domain.id.into(), name: domain.name };
        let password_expires_at = user.password_expires_at;
        let user = kit::UserRef { id: user.id.into(), name: user.name, domain, password_expires_at };
        Ok(Outcome::Receipt(self.receipt(user, methods, required)?))
    }

    /// A token for what has been `proven`, by something that had `begun` and needs no more methods.
    ///
    /// # Errors
    /// 401 where the scope is not accepted.
    pub(crate) async fn issue_for(&self, proven: Proven, asked: &ScopeAsked, begun: Begun) -> Result<Issued, Fault> {
        self.grant(proven, asked, begun, Factors::Settled).await.map_err(Denied::for_login)
    }

    async fn grant(
        &self,
        proven: Proven,
        asked: &ScopeAsked,
        begun: Begun,
        factors: Factors,
    ) -> Result<Issued, Denied> {
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
        let scoped = self.store.read(move |db| {
            factors.check(db, &payload)?;
            Ok::<_, Denied>(match fixed {
                Some(fixed) => scope::fixed(db, payload, fixed)?,
                None => scope::apply(db, payload, &asked)?,
            })
        });
        let Scoped { payload, identity, uses } = scoped.await?;
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

/// The names of all methods.
fn known() -> Vec<&'static str> {
    METHODS.iter().map(|method| method.name).collect()
}

/// Whole seconds, as Keystone prints them.
fn end_of_token(now: Timestamp, ttl: Duration) -> Timestamp {
    let second = 1_000_000;
    let now = to_micros(now) / second * second;
    from_micros(now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)))
}
