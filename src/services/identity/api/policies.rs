//! `/v3/policies`.

use std::sync::Arc;

use http_kit::{Endpoint, Paging, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{BY_ID, attributes, filters, new_id, page};
use crate::domain::policy::Policy;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        r#""properties": {"blob": {"type": "string"}, "type": {"type": "string", "maxLength": 255}}"#
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "required": ["policy"], "properties": {"policy": {"type": "object",
        "required": ["blob", "type"], "#,
    properties!(),
    "}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "required": ["policy"], "properties": {"policy": {"type": "object", "minProperties": 1, "#,
    properties!(),
    "}}}"
);

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/policies", "identity:list_policies", &list),
    Endpoint::post("/policies", "identity:create_policy", &create).schema(CREATE),
    Endpoint::get("/policies/{policy_id}", "identity:get_policy", &show),
    Endpoint::patch("/policies/{policy_id}", "identity:update_policy", &update).schema(UPDATE),
    Endpoint::delete("/policies/{policy_id}", "identity:delete_policy", &delete),
];

fn reply(policy: &Policy, request: &Request) -> serde_json::Value {
    json!({ "policy": view::policy::policy(policy, &request.base_url(), "policies") })
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, paging) = (filters::conditions(&request, &["type"]), Paging::parse(&request, &BY_ID)?);
    let (base, asked) = (request.base_url(), paging.clone());
    let policies = service.store.read(move |db| db::policies::list(db, &wanted, Some(&asked))).await?;
    let items = policies.iter().map(|policy| view::policy::policy(policy, &base, "policies")).collect();
    Ok(page(&request, "policies", items, &paging))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let new = Policy::new(new_id(), attributes(&request, "policy")?);
    let reply = reply(&new, &request);
    service.write(move |db| db::policies::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("policy_id")?.to_owned();
    let policy = service.store.read(move |db| db::policies::get(db, &id)).await?;
    Ok(Reply::ok(reply(&policy, &request)))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("policy_id")?.to_owned(), attributes(&request, "policy")?);
    let policy = service
        .write(move |db| {
            let mut policy = db::policies::get(db, &id)?;
            policy.apply(given)?;
            db::policies::update(db, &policy)?;
            Ok(policy)
        })
        .await?;
    Ok(Reply::ok(reply(&policy, &request)))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("policy_id")?.to_owned();
    service.write(move |db| db::policies::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
