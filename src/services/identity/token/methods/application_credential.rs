//! The method `application_credential`: one by id, or by its name and its user's; and its secret.
//!
//! It says itself what the token is for, so that no scope can be asked for.

use std::net::IpAddr;

use http_kit::BoxFuture;
use kit::{Fault, Secret};
use store::Connection;

use super::password::find_user;
use super::{Attempt, Method, Methods, Proof, Proven};
use crate::db::application_credentials::{self as stored, Lock};
use crate::domain::login::{Named, ScopeAsked, user_of};
use crate::token::{BasisId, ScopeId};
use crate::{IdentityService, error};

pub(super) const METHOD: Method =
    Method { name: "application_credential", bit: Methods::APPLICATION_CREDENTIAL, parse };

/// How error messages call it.
const WHAT: &str = "application credential";

struct CredentialProof {
    which: Which,
    secret: Option<Secret>,
    /// Where it comes from, where that is known: wrong secrets are limited by it.
    source: Option<IpAddr>,
}

enum Which {
    Id(String),
    Name { name: String, user: Named },
}

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    if *attempt.scope != ScopeAsked::Default {
        return Err(Fault::unauthorized(
            "Error authenticating with application credential: Application credentials cannot request a scope.",
        ));
    }
    let text = |name: &str| attempt.data.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let which = match (text("id"), text("name")) {
        (Some(id), _) => Which::Id(id.to_owned()),
        (None, Some(name)) => {
            let user = attempt.data.get("user").ok_or_else(|| error::missing("user", WHAT))?;
            Which::Name { name: name.to_owned(), user: user_of(user, "identity/application_credential/user")? }
        }
        (None, None) => return Err(error::missing("name or ID", WHAT)),
    };
    let source = attempt.request.peer();
    Ok(Box::new(CredentialProof { which, secret: text("secret").map(Secret::new), source }))
}

/// The proof of a client of OAuth 2.0 at `source`, whose id and secret are an application credential's.
pub(crate) fn of_client(id: String, secret: Secret, source: Option<IpAddr>) -> Box<dyn Proof> {
    Box::new(CredentialProof { which: Which::Id(id), secret: Some(secret), source })
}

impl Proof for CredentialProof {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let Self { which, secret, source } = *self;
            let (id, lock) = service.store.read(move |db| find(db, &which)).await?;
            let secret = secret.ok_or_else(error::unauthorized)?;
            let attempt = source.map(|_| service.limiter.attempt(source, &format!("application credential {id}")));
            if let Some(attempt) = attempt {
                service.limiter.admit(attempt).await?;
            }
            let right = service.secrets.verify(&service.passwords, secret, &lock.secret_hash).await?;
            match attempt {
                Some(attempt) if right => service.limiter.succeeded(attempt),
                Some(attempt) => service.limiter.failed(attempt),
                None => {}
            }
            let now = service.clock.now();
            if !right || lock.expires_at.is_some_and(|end| end <= now) {
                return Err(error::unauthorized());
            }
            Ok(Proven {
                expires_at: lock.expires_at,
                basis: BasisId::ApplicationCredential(id),
                scope: Some(ScopeId::Project(lock.project_id.into())),
                ..Proven::new(lock.user_id, Methods::APPLICATION_CREDENTIAL)
            })
        })
    }
}

/// The credential that is meant. An unknown id is a 404, as in Keystone; that a name is unknown is not told.
fn find(db: &Connection, which: &Which) -> Result<(String, Lock), Fault> {
    match which {
        Which::Id(id) => {
            let lock = stored::lock(db, id)?.ok_or_else(|| error::not_found("Application Credential", id))?;
            Ok((id.clone(), lock))
        }
        Which::Name { name, user } => {
            let user = find_user(db, user)?.ok_or_else(error::unauthorized)?;
            let id = stored::named(db, &user.id, name)?.ok_or_else(error::unauthorized)?;
            let lock = stored::lock(db, &id)?.ok_or_else(error::unauthorized)?;
            Ok((id, lock))
        }
    }
}
