//! `/v3/OS-OAUTH1/{request_token,authorize,access_token}`: a user lends roles on a project to a consumer.
//!
//! The consumer asks for a request token, the user agrees to it and tells the consumer a verifier, the consumer gets
//! an access token for both.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http_kit::{Endpoint, Reply, Request};
use kit::time::micros_z;
use kit::{Basis, Fault, Secret, Timestamp};
use serde_json::{Value, json};
use store::Connection;
use subtle::ConstantTimeEq as _;

use super::{caller, new_id};
use crate::db::effective::Person;
use crate::domain::oauth1::{AccessToken, RequestToken, Signed};
use crate::domain::role::Holding;
use crate::oauth1::{Holder, verifier};
use crate::{IdentityService, db, error};

const AUTHORIZE: &str = r#"{"type": "object", "properties": {"roles": {"type": "array", "items": {"type": "object",
    "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"},
        "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "[\\S]+"}}}}}}"#;

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::post("/OS-OAUTH1/request_token", "", &request_token).unauthenticated().authenticates(),
    Endpoint::put("/OS-OAUTH1/authorize/{request_token_id}", "identity:authorize_request_token", &authorize)
        .schema(AUTHORIZE),
    Endpoint::post("/OS-OAUTH1/access_token", "", &access_token).unauthenticated().authenticates(),
];

/// What the `Authorization` header of a request says.
pub(crate) fn signed(request: &Request) -> Result<Signed, Fault> {
    let signed = request.header("authorization").and_then(Signed::parse);
    signed.ok_or_else(|| Fault::bad_request("No Authorization headers found, cannot proceed with OAuth related calls."))
}

fn wanted(signed: &Signed, name: &str) -> Result<String, Fault> {
    signed.get(name).map(str::to_owned).ok_or_else(|| error::missing(name, "request"))
}

/// 401 unless whoever has the consumer's secret, and the token's, has signed `request`, now and for the first time.
pub(crate) async fn check_signature(
    service: &IdentityService,
    request: &Request,
    signed: &Signed,
    consumer_id: &str,
    token: Option<(Holder, &str)>,
) -> Result<(), Fault> {
    let consumer = service.oauth1.secret(Holder::Consumer, consumer_id).await?;
    let token = match token {
        Some((holder, id)) => Some(service.oauth1.secret(holder, id).await?),
        None => None,
    };
    let url = format!("{}{}", request.public_url(), request.path);
    let right = signed.is_signed_by(&consumer, token.as_ref(), request.method.as_str(), &url, request.query());
    // Only what is rightly signed is remembered.
    if right && service.oauth1.is_new(signed, service.clock.now()) { Ok(()) } else { Err(error::unauthorized()) }
}

fn end(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    (seconds > 0).then(|| now.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
}

/// A token and its secret, as a form.
fn form(id: &str, secret: &Secret, expires_at: Option<Timestamp>) -> Reply {
    let end = expires_at.map(|end| format!("&oauth_expires_at={}", micros_z(end))).unwrap_or_default();
    let text = format!("oauth_token={id}&oauth_token_secret={}{end}", secret.expose());
    Reply::bytes(201, "application/x-www-form-urlencoded", text)
}

async fn request_token(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let signed = signed(&request)?;
    let consumer_id = wanted(&signed, "oauth_consumer_key")?;
    let project_id = request.header("Requested-Project-Id").map(str::to_owned);
    let project_id = project_id.ok_or_else(|| error::missing("Requested-Project-Id", "request"))?;
    let (consumer, project) = (consumer_id.clone(), project_id.clone());
    service
        .store
        .read(move |db| {
            db::projects::get(db, &project)?;
            db::consumers::get(db, &consumer)
        })
        .await?;
    check_signature(&service, &request, &signed, &consumer_id, None).await?;
    let expires_at = end(service.clock.now(), service.config.oauth1_request_token_secs);
    let id = new_id();
    let secret = service.oauth1.secret(Holder::RequestToken, &id).await?;
    let reply = form(&id, &secret, expires_at);
    let token = RequestToken { id, consumer_id, project_id, agreed: None, role_ids: Vec::new(), expires_at };
    service.write_aside(move |db| db::oauth1_tokens::insert_request_token(db, &token)).await?;
    Ok(reply)
}

/// 401 for a token that has ended.
fn check_end(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Fault> {
    if expires_at.is_some_and(|end| end <= now) { Err(error::unauthorized()) } else { Ok(()) }
}

async fn authorize(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = caller(&request)?;
    if identity.basis != Basis::User && !matches!(identity.basis, Basis::Federation(_)) {
        return Err(Fault::forbidden("Cannot authorize a request token with a token issued via delegation."));
    }
    let (id, user_id) = (request.param("request_token_id")?.to_owned(), identity.user.id.to_string());
    let roles = request.body_value()?.get("roles").cloned().unwrap_or_else(|| json!([]));
    let verifier = verifier()?;
    let digest = service.oauth1.digest(&id, verifier.expose()).await?;
    let (now, groups) = (service.clock.now(), identity.basis.groups().to_vec());
    let agree = move |db: &Connection| {
        let token = db::oauth1_tokens::get_request_token(db, &id)?;
        check_end(token.expires_at, now)?;
        let role_ids = role_ids(db, &roles)?;
        let person = Person { user_id: &user_id, groups: &groups, at: now };
        let held = db::effective::roles(db, person, &Holding::Project(token.project_id))?;
        if role_ids.iter().any(|id| !held.iter().any(|role| role.id.as_str() == id)) {
            return Err(error::unauthorized());
        }
        db::oauth1_tokens::agree(db, &id, &user_id, &role_ids, &digest)
    };
    service.write_aside(agree).await?;
    Ok(Reply::ok(json!({ "token": { "oauth_verifier": verifier.expose() } })))
}

/// The ids of `roles`, which are named by id or by name, each once.
fn role_ids(db: &Connection, roles: &Value) -> Result<Vec<String>, Fault> {
    let mut ids = BTreeSet::new();
    for role in roles.as_array().into_iter().flatten() {
        let text = |name: &str| role.get(name).and_then(Value::as_str);
        ids.extend(match (text("id"), text("name")) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(name)) => Some(db::roles::named(db, name)?.ok_or_else(|| error::not_found("role", name))?.id),
            (None, None) => None,
        });
    }
    Ok(ids.into_iter().collect())
}

async fn access_token(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let signed = signed(&request)?;
    let consumer_id = wanted(&signed, "oauth_consumer_key")?;
    let request_id = wanted(&signed, "oauth_token")?;
    let verifier = wanted(&signed, "oauth_verifier")?;
    let (now, wanted_id) = (service.clock.now(), request_id.clone());
    let token = service.store.read(move |db| db::oauth1_tokens::get_request_token(db, &wanted_id)).await?;
    check_end(token.expires_at, now)?;
    if token.consumer_id != consumer_id {
        return Err(error::unauthorized());
    }
    let holder = Some((Holder::RequestToken, request_id.as_str()));
    check_signature(&service, &request, &signed, &consumer_id, holder).await?;
    let (user_id, kept) = token.agreed.ok_or_else(error::unauthorized)?;
    let digest = service.oauth1.digest(&request_id, &verifier).await?;
    if !bool::from(digest.as_bytes().ct_eq(kept.as_bytes())) {
        return Err(error::unauthorized());
    }
    let id = new_id();
    let secret = service.oauth1.secret(Holder::AccessToken, &id).await?;
    let expires_at = end(now, service.config.oauth1_access_token_secs);
    let reply = form(&id, &secret, expires_at);
    let (project_id, role_ids) = (token.project_id, token.role_ids);
    let access = AccessToken { id, consumer_id, project_id, user_id, role_ids, expires_at };
    service.write_aside(move |db| db::oauth1_tokens::redeem(db, &request_id, &access)).await?;
    Ok(reply)
}
