//! The method `oauth1`: a request that a consumer signed with an access token of OAuth 1.0a.
//!
//! The proof is the `Authorization` header; the token is for the project and the roles that were lent.

use http_kit::BoxFuture;
use kit::Fault;

use super::{Attempt, Method, Methods, Proof, Proven};
use crate::domain::oauth1::Signed;
use crate::oauth1::Holder;
use crate::token::{BasisId, ScopeId};
use crate::{IdentityService, db, error};

pub(super) const METHOD: Method = Method { name: "oauth1", bit: Methods::OAUTH1, parse };

/// A signed request.
struct SignedRequest {
    signed: Signed,
    access_token_id: String,
    consumer_id: String,
    url: String,
    query: http_kit::Query,
}

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    let request = attempt.request;
    let signed = crate::api::oauth1::signed(request)?;
    let wanted = |name: &str| signed.get(name).map(str::to_owned).ok_or_else(|| error::missing(name, "request"));
    Ok(Box::new(SignedRequest {
        access_token_id: wanted("oauth_token")?,
        consumer_id: wanted("oauth_consumer_key")?,
        url: format!("{}{}", request.public_url(), request.path),
        query: request.query().clone(),
        signed,
    }))
}

impl Proof for SignedRequest {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let (id, now) = (self.access_token_id.clone(), service.clock.now());
            let token = service.store.read(move |db| db::oauth1_tokens::get(db, &id)).await?;
            if token.consumer_id != self.consumer_id || token.expires_at.is_some_and(|end| end <= now) {
                return Err(error::unauthorized());
            }
            let consumer = service.oauth1.secret(Holder::Consumer, &token.consumer_id).await?;
            let secret = service.oauth1.secret(Holder::AccessToken, &token.id).await?;
            let right = self.signed.is_signed_by(&consumer, Some(&secret), "POST", &self.url, &self.query);
            if !right || !service.oauth1.is_new(&self.signed, now) {
                return Err(error::unauthorized());
            }
            Ok(Proven {
                expires_at: token.expires_at,
                basis: BasisId::AccessToken(token.id),
                scope: Some(ScopeId::Project(token.project_id.into())),
                ..Proven::new(token.user_id, Methods::OAUTH1)
            })
        })
    }
}
