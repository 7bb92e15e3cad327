//! `/v3/auth/tokens`: issue, show, check and revoke tokens.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::{Basis, Fault, Identity, Scope, Secret};

use crate::domain::login::Login;
use crate::token::Invalid;
use crate::token::issue::{Outcome, RECEIPT};
use crate::{IdentityService, db, error, view};

pub(crate) const ISSUE: &str = r#"{"properties": {"auth": {
    "type": "object",
    "properties": {
        "identity": {
            "type": "object",
            "properties": {
                "methods": {"type": "array", "items": {"type": "string"}},
                "password": {"type": "object", "properties": {"user": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"}, "name": {"type": "string"}, "password": {"type": "string"},
                        "domain": {"type": "object",
                                   "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}}}}},
                "token": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}},
            "required": ["methods"]},
        "scope": {
            "type": ["object", "string"],
            "properties": {
                "project": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"}, "id": {"type": "string"},
                        "domain": {"type": "object",
                                   "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}}},
                "domain": {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
                "OS-TRUST:trust": {"type": "object", "properties": {"id": {"type": "string"}}},
                "system": {"type": "object", "properties": {"all": {"type": "boolean"}}}}}},
    "required": ["identity"]}}}"#;

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::post("/auth/tokens", "", &issue).schema(ISSUE).unauthenticated().authenticates(),
    Endpoint::get("/auth/tokens", "identity:validate_token", &show).deferred(),
    Endpoint::head("/auth/tokens", "identity:check_token", &check).deferred(),
    Endpoint::delete("/auth/tokens", "identity:revoke_token", &revoke).deferred(),
];

async fn issue(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let auth = request.body_value()?.get("auth").filter(|auth| !auth.is_null());
    let login = Login::parse(auth.ok_or_else(|| error::missing("auth", "request body"))?)?;
    match service.issue(&login, &request).await? {
        Outcome::Token(issued) => {
            request.trail().initiator(&issued.identity);
            let reply = answer(&service, &request, &issued.identity, 201).await?;
            Ok(reply.header("X-Subject-Token", issued.token.expose()))
        }
        Outcome::Receipt(receipt) => {
            let reply = Reply::status(401, view::token::receipt(&receipt));
            Ok(reply.header(RECEIPT, receipt.secret.expose()))
        }
    }
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (token, identity) = subject(&service, &request, "identity:validate_token").await?;
    let reply = answer(&service, &request, &identity, 200).await?;
    Ok(reply.header("X-Subject-Token", token.expose()))
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (token, identity) = subject(&service, &request, "identity:check_token").await?;
    let reply = answer(&service, &request, &identity, 200).await?;
    Ok(reply.header("X-Subject-Token", token.expose()))
}

async fn revoke(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (_, identity) = subject(&service, &request, "identity:revoke_token").await?;
    let expires_at = identity.expires_at;
    if let Some(audit_id) = identity.audit_ids.first().cloned() {
        let now = service.clock.now();
        service.write(move |db| db::revocations::insert(db, &audit_id, expires_at, now)).await?;
    }
    Ok(Reply::no_content())
}

/// Whether a service asks what a token said that may have expired: its user's request takes longer.
fn allows_expired(request: &Request) -> bool {
    request.query().flag("allow_expired") && request.context.has_role("service")
}

/// A service that does not know of access rules would take the token for more than it is.
fn understands_access_rules(request: &Request, identity: &Identity) -> bool {
    let limited = matches!(&identity.basis, Basis::ApplicationCredential(it) if it.access_rules.is_some());
    let version = request.header("OpenStack-Identity-Access-Rules").and_then(|text| text.parse::<f64>().ok());
    !limited || version.is_some_and(|version| version >= 1.0)
}

/// The token that the request is about, if the caller may do this to it.
async fn subject(service: &IdentityService, request: &Request, rule: &str) -> Result<(Secret, Arc<Identity>), Fault> {
    let Some(token) = request.header("X-Subject-Token").map(Secret::new) else {
        request.authorize(rule, &Target::new())?;
        return Err(Fault::not_found("No token in the request"));
    };
    let validated = match allows_expired(request) {
        true => service.validate_expired(&token).await,
        false => service.validate(&token).await,
    };
    let identity = match validated {
        Ok(identity) if understands_access_rules(request, &identity) => identity,
        Ok(_) => return Err(Invalid::Ended.for_subject(token.expose())),
        Err(invalid @ Invalid::Fault(_)) => return Err(invalid.for_bearer()),
        Err(invalid) => return Err(invalid.for_subject(token.expose())),
    };
    let target = Target::new()
        .with("target.token.user_id", &identity.user.id)
        .with("target.token.user.domain.id", &identity.user.domain.id);
    request.authorize(rule, &target)?;
    Ok((token, identity))
}

/// The answer that says what a token says, with the catalog where the token has a scope and it is wanted.
pub(super) async fn answer(
    service: &IdentityService,
    request: &Request,
    identity: &Identity,
    status: u16,
) -> Result<Reply, Fault> {
    let wanted = identity.scope != Scope::Unscoped && !request.query().has("nocatalog");
    let catalog = if wanted { Some(service.catalog(identity).await?) } else { None };
    let providers = service.service_providers().await?;
    Ok(Reply::status(status, view::token::body(identity, catalog.as_deref(), providers.as_deref())))
}
