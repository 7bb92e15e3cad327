//! `/v3/OS-OAUTH1/consumers`.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{attributes, collection, new_id};
use crate::domain::attributes::Attributes;
use crate::domain::oauth1::Consumer;
use crate::oauth1::Holder;
use crate::{IdentityService, db, view};

const CREATE: &str = r#"{"type": "object", "properties": {"consumer": {"type": "object", "properties": {
    "description": {"type": ["string", "null"]}}}}}"#;
const UPDATE: &str = r#"{"type": "object", "required": ["consumer"], "properties": {"consumer": {"type": "object",
    "minProperties": 1, "not": {"required": ["secret"]}, "properties": {"description": {"type": ["string", "null"]}}}}}"#;

const ONE: &str = "/OS-OAUTH1/consumers/{consumer_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-OAUTH1/consumers", "identity:list_consumers", &list),
    Endpoint::post("/OS-OAUTH1/consumers", "identity:create_consumer", &create).schema(CREATE),
    Endpoint::get(ONE, "identity:get_consumer", &show),
    Endpoint::patch(ONE, "identity:update_consumer", &update).schema(UPDATE),
    Endpoint::delete(ONE, "identity:delete_consumer", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let base = request.base_url();
    let found = service.store.read(|db| db::consumers::list(db, &Condition::all())).await?;
    Ok(collection(&request, "consumers", found.iter().map(|it| view::oauth1::consumer(it, None, &base)).collect()))
}

/// The only time that its secret is told. As in Keystone, nothing need be said of it.
async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "consumer").unwrap_or_else(|_| Attributes::default());
    let new = Consumer::new(new_id(), given);
    let secret = service.oauth1.secret(Holder::Consumer, &new.id).await?;
    let reply = json!({ "consumer": view::oauth1::consumer(&new, Some(&secret), &request.base_url()) });
    service.write(move |db| db::consumers::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("consumer_id")?.to_owned();
    let found = service.store.read(move |db| db::consumers::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "consumer": view::oauth1::consumer(&found, None, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("consumer_id")?.to_owned(), attributes(&request, "consumer")?);
    let changed = service
        .write(move |db| {
            let mut consumer = db::consumers::get(db, &id)?;
            consumer.apply(given)?;
            db::consumers::update(db, &consumer)?;
            Ok(consumer)
        })
        .await?;
    Ok(Reply::ok(json!({ "consumer": view::oauth1::consumer(&changed, None, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("consumer_id")?.to_owned();
    service.write(move |db| db::consumers::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
