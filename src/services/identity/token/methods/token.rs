//! The method `token`: another token, which the new one takes its end and its audit chain from.
//!
//! What was handed on (a trust, an access token) is not handed on again by way of it.

use http_kit::BoxFuture;
use kit::{Basis, Fault, Scope, Secret};

use super::{Attempt, Method, Methods, Proof, Proven};
use crate::domain::login::ScopeAsked;
use crate::token::{BasisId, Invalid, ScopeId};
use crate::{IdentityService, error};

pub(super) const METHOD: Method = Method { name: "token", bit: Methods::TOKEN, parse };

struct TokenProof {
    token: Secret,
    scope: ScopeAsked,
}

pub(super) fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    let token = attempt.data.get("id").and_then(|id| id.as_str()).ok_or_else(|| error::missing("id", "token"))?;
    Ok(Box::new(TokenProof { token: Secret::new(token), scope: attempt.scope.clone() }))
}

impl Proof for TokenProof {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            // Whether it still holds, by way of what is remembered; then what is in it.
            let identity = match service.validate(&self.token).await {
                Ok(identity) => identity,
                // As if it were asked about, not borne: a token that is none is a 404 in Keystone.
                Err(invalid) => return Err(invalid.for_subject(self.token.expose())),
            };
            let payload = service.open(&self.token, service.clock.now()).map_err(Invalid::for_bearer)?;
            check(&identity.basis, &identity.scope, &self.scope)?;
            let fixed = matches!(payload.basis, BasisId::ApplicationCredential(_));
            Ok(Proven {
                parent: Some(payload.parent_audit_id.unwrap_or(payload.audit_id)),
                expires_at: Some(payload.expires_at),
                scope: fixed.then_some(payload.scope).filter(|scope| *scope != ScopeId::Unscoped),
                basis: payload.basis,
                ..Proven::new(payload.user_id.to_string(), payload.methods.and(Methods::TOKEN))
            })
        })
    }
}

/// What a token must not be exchanged for.
fn check(basis: &Basis, scope: &Scope, asked: &ScopeAsked) -> Result<(), Fault> {
    let refused = match (basis, scope, asked) {
        (Basis::AccessToken(_), ..) => {
            "Using OAuth-scoped token to create another token. Create a new OAuth-scoped token instead"
        }
        (Basis::Trust(_), ..) => {
            "Using trust-scoped token to create another token. Create a new trust-scoped token instead"
        }
        (_, Scope::System, ScopeAsked::Project(_) | ScopeAsked::Domain(_)) => {
            "Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed."
        }
        (Basis::ApplicationCredential(_), _, asked) if *asked != ScopeAsked::Default => {
            "Using an application credential token to create a scoped token is not allowed."
        }
        _ => return Ok(()),
    };
    Err(error::forbidden_action(refused))
}
