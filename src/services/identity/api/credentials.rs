//! `/v3/credentials`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::Fault;
use serde_json::json;

use super::{attributes, caller, collection, delegation, new_id};
use crate::domain::credential::{Credential, EC2};
use crate::{IdentityService, db, error, view};

const ONE: &str = "/credentials/{credential_id}";

const CREATE: &str = r#"{"type": "object", "required": ["credential"], "properties": {"credential": {
    "type": "object", "required": ["blob", "type", "user_id"],
    "properties": {"id": {"type": "string"}, "blob": {"type": "string"}, "type": {"type": "string"},
                   "user_id": {"type": "string"}, "project_id": {"type": ["string", "null"]}},
    "if": {"properties": {"type": {"const": "ec2"}}}, "then": {"required": ["project_id"]}}}}"#;
const UPDATE: &str = r#"{"type": "object", "required": ["credential"], "properties": {"credential": {
    "type": "object", "minProperties": 1,
    "properties": {"blob": {"type": "string"}, "type": {"type": "string"}, "user_id": {"type": "string"},
                   "project_id": {"type": ["string", "null"]}}}}}"#;

const FILTERS: &[Filter] =
    &[Filter::new("user_id", "user_id", FilterKind::Exact), Filter::new("type", "type", FilterKind::Exact)];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/credentials", "identity:list_credentials", &list).deferred(),
    Endpoint::post("/credentials", "identity:create_credential", &create).schema(CREATE).deferred(),
    Endpoint::get(ONE, "identity:get_credential", &show).deferred(),
    Endpoint::patch(ONE, "identity:update_credential", &update).schema(UPDATE).deferred(),
    Endpoint::delete(ONE, "identity:delete_credential", &delete).deferred(),
];

fn target(user_id: &str) -> Target {
    Target::new().with("target.credential.user_id", user_id)
}

/// All that the caller may see: everything, or the own ones; of a token that was handed on, those of its project.
async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = caller(&request)?;
    request.authorize("identity:list_credentials", &target(identity.user.id.as_str()))?;
    let mut wanted = filter::conditions(&request, FILTERS)?;
    if !request.allows("identity:get_credential", &Target::new()) {
        wanted = wanted.and(Condition::is("user_id", identity.user.id.as_str()));
    }
    if identity.is_delegated() {
        let project = identity.project().map(|project| project.id.as_str());
        wanted = wanted.and(Condition::is("project_id", project.unwrap_or_default()));
    }
    let found = service.credentials(wanted).await?;
    let base = request.base_url();
    let items = found.iter().map(|it| view::credential::credential(it, &base)).collect();
    Ok(collection(&request, "credentials", items))
}

/// 403 where the caller's token was handed on and has nothing to do with what belongs to `project_id`.
fn check_reach(request: &Request, project_id: Option<&str>) -> Result<(), Fault> {
    if delegation::reaches(caller(request)?, project_id) {
        return Ok(());
    }
    let text = "Credential project does not match the project scope of the delegated token";
    Err(error::forbidden_action(text))
}

/// The credential of the path, which the caller may do `rule` to.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<Credential, Fault> {
    let id = request.param("credential_id")?;
    let Some(found) = service.find_credential(id).await? else {
        request.authorize(rule, &Target::new())?;
        return Err(error::not_found("credential", id));
    };
    request.authorize(rule, &target(&found.user_id))?;
    check_reach(request, found.project_id.as_deref())?;
    Ok(found)
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:get_credential").await?;
    Ok(Reply::ok(json!({ "credential": view::credential::credential(&found, &request.base_url()) })))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "credential")?;
    request.authorize("identity:create_credential", &target(given.peek("user_id").unwrap_or_default()))?;
    if given.peek("type").is_some_and(|kind| kind.eq_ignore_ascii_case(EC2)) {
        delegation::refuse_restricted(&request, "credentials")?;
    }
    check_reach(&request, given.peek("project_id"))?;
    let made = Credential::new(given, new_id(), &caller(&request)?.basis)?;
    let stored = service.lock_away(&made)?;
    service.write_aside(move |db| db::credentials::insert(db, &stored)).await?;
    Ok(Reply::created(json!({ "credential": view::credential::credential(&made, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    const RULE: &str = "identity:update_credential";
    let mut changed = authorized(&service, &request, RULE).await?;
    changed.apply(attributes(&request, "credential")?)?;
    // Nobody gives one away, or takes it out of the reach of the token.
    request.authorize(RULE, &target(&changed.user_id))?;
    check_reach(&request, changed.project_id.as_deref())?;
    let stored = service.lock_away(&changed)?;
    service.write_aside(move |db| db::credentials::update(db, &stored)).await?;
    Ok(Reply::ok(json!({ "credential": view::credential::credential(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:delete_credential").await?;
    service.write_aside(move |db| db::credentials::delete(db, &found.id)).await?;
    Ok(Reply::no_content())
}
