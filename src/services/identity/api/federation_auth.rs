//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth`: an identity provider's token for one of ours.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use super::tokens::answer;
use crate::IdentityService;
use crate::domain::login::ScopeAsked;
use crate::token::methods::Proof as _;
use crate::token::methods::mapped::{Bearer, bearer_of};

const PATH: &str = "/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(PATH, "", &authenticate).unauthenticated().authenticates(),
    Endpoint::post(PATH, "", &authenticate).unauthenticated().authenticates(),
];

/// The token is unscoped; it is exchanged for one with a scope as any other.
async fn authenticate(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let begun = service.begin();
    let bearer = Bearer {
        idp_id: request.param("idp_id")?.to_owned(),
        protocol_id: request.param("protocol_id")?.to_owned(),
        token: request.header("authorization").and_then(bearer_of),
    };
    let proven = Box::new(bearer).verify(&service).await?;
    let issued = service.issue_for(proven, &ScopeAsked::Unscoped, begun).await?;
    let reply = answer(&service, &request, &issued.identity, 201).await?;
    Ok(reply.header("X-Subject-Token", issued.token.expose()))
}
