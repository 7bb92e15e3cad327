//! `/v3/ec2tokens` and `/v3/s3tokens`: a service brings a request that was signed with an EC2 key, and gets a token.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::{Fault, FaultKind, Secret};
use serde_json::Value;

use super::tokens;
use crate::domain::signature::{ec2_fits, s3_fits};
use crate::{IdentityService, error};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::post("/ec2tokens", "identity:ec2tokens_validate", &ec2).authenticates(),
    Endpoint::post("/s3tokens", "identity:s3tokens_validate", &s3).authenticates(),
    Endpoint::get("/ec2tokens", "", &not_allowed).unauthenticated(),
    Endpoint::get("/s3tokens", "", &not_allowed).unauthenticated(),
];

/// What was signed, under any of the names that clients use for it.
fn signed(request: &Request) -> Result<&Value, Fault> {
    let body = request.body_value()?;
    if body.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(Fault::bad_request("request must include a request body"));
    }
    let names = ["credentials", "credential", "ec2Credentials"];
    names.into_iter().find_map(|name| body.get(name).filter(|it| it.is_object())).ok_or_else(error::unauthorized)
}

async fn ec2(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let issued = service.issue_for_signature(signed(&request)?, ec2_fits).await?;
    let reply = tokens::answer(&service, &request, &issued.identity, 200).await?;
    Ok(reply.header("X-Subject-Token", issued.token.expose()))
}

/// The token itself is not told: the service that asks keeps none.
async fn s3(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let fits = |signed: &Value, secret: &Secret| {
        let text = |name: &str| signed[name].as_str().unwrap_or_default();
        s3_fits(text("token"), text("signature"), secret)
    };
    let issued = service.issue_for_signature(signed(&request)?, fits).await?;
    tokens::answer(&service, &request, &issued.identity, 200).await
}

/// Keystone has the path and answers so.
async fn not_allowed(_: Arc<IdentityService>, _: Request) -> Result<Reply, Fault> {
    Err(Fault::new(FaultKind::MethodNotAllowed, "The method is not allowed for the requested URL."))
}
