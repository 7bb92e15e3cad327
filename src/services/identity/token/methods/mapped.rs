//! The methods `mapped` and `openid`: somebody whom an identity provider vouches for.
//!
//! The proof is the provider's own token in the `Authorization` header; the body says which provider and protocol. With an
//! `id`, it is a token of ours that was got so before.

use http_kit::BoxFuture;
use kit::{Fault, Secret};
use serde_json::Value;

use super::{Attempt, Method, Methods, Proof, Proven, token};
use crate::federation::Guest;
use crate::oidc::{Provider, claims};
use crate::token::BasisId;
use crate::{IdentityService, error};

pub(super) const MAPPED: Method = Method { name: "mapped", bit: Methods::MAPPED, parse };
pub(super) const OPENID: Method = Method { name: "openid", bit: Methods::OPENID, parse };

/// The method that tokens of `protocol` name.
pub(crate) fn method_of(protocol: &str) -> Methods {
    if protocol == OPENID.name { Methods::OPENID } else { Methods::MAPPED }
}

/// The bearer of an identity provider's token.
pub(crate) struct Bearer {
    pub(crate) idp_id: String,
    pub(crate) protocol_id: String,
    pub(crate) token: Option<Secret>,
}

/// The bearer of a token of ours that an identity provider's led to.
struct Again(Box<dyn Proof>);

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    if attempt.data.get("id").is_some_and(Value::is_string) {
        return Ok(Box::new(Again(token::parse(attempt)?)));
    }
    let text = |name: &str| {
        let text = attempt.data.get(name).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| error::missing(name, "mapped"))
    };
    let token = attempt.request.header("authorization").and_then(bearer_of);
    Ok(Box::new(Bearer { idp_id: text("identity_provider")?, protocol_id: text("protocol")?, token }))
}

/// The token of an `Authorization` header.
pub(crate) fn bearer_of(header: &str) -> Option<Secret> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Secret::new(token))
}

impl Proof for Bearer {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let token = self.token.as_ref().ok_or_else(error::unauthorized)?;
            let provider = service.oidc.behind(&self.idp_id, &self.protocol_id).ok_or_else(|| {
                tracing::info!(idp_id = self.idp_id, "no provider is configured for an identity provider");
                error::unauthorized()
            })?;
            let claims = provider.bearer(token, service.clock.now()).await;
            let claims = claims.map_err(|error| error.into_fault(provider.name()))?;
            service.admit(guest(&provider, &claims)).await
        })
    }
}

/// Somebody of whom `provider` says `claims`.
pub(crate) fn guest(provider: &Provider, claims: &crate::domain::Object) -> Guest {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // As Apache names a user by default: who, at which issuer.
    let remote_user = text("sub").zip(text("iss")).map(|(who, issuer)| {
        let issuer = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        format!("{who}@{issuer}")
    });
    Guest {
        idp_id: provider.identity_provider().to_owned(),
        protocol_id: provider.protocol().to_owned(),
        assertion: claims::attributes(claims),
        remote_id_attribute: provider.remote_id_attribute().to_owned(),
        remote_user,
    }
}

impl Proof for Again {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let proven = self.0.verify(service).await?;
            match proven.basis {
                BasisId::Federation { .. } => Ok(proven),
                _ => Err(error::unauthorized()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_is_one() {
        assert_eq!(bearer_of("Bearer abc").unwrap().expose(), "abc");
        assert_eq!(bearer_of("bearer  abc ").unwrap().expose(), "abc");
        assert!(bearer_of("Basic abc").is_none() && bearer_of("Bearer ").is_none() && bearer_of("Bearer").is_none());
    }
}
