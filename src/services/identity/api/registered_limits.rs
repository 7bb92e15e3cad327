//! `/v3/registered_limits`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Endpoint, Paging, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::schema::{amount, id_or_null, text_or_null};
use super::{BY_ID, attributes, new_id, page};
use crate::domain::limit::RegisteredLimit;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""service_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"},
            "resource_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "[\\S]+"},
            "region_id": {"type": ["string", "null"], "maxLength": 255}, "default_limit": "#,
            amount!(),
            r#", "description": "#,
            text_or_null!()
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["registered_limits"], "properties": {
        "registered_limits": {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": false,
        "required": ["service_id", "resource_name", "default_limit"], "properties": {"#,
    properties!(),
    "}}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["registered_limit"], "properties": {
        "registered_limit": {"type": "object", "additionalProperties": false, "properties": {"id": "#,
    id_or_null!(),
    ", ",
    properties!(),
    "}}}}"
);

const FILTERS: &[Filter] = &[
    Filter::new("service_id", "service_id", FilterKind::Text),
    Filter::new("region_id", "region_id", FilterKind::Text),
    Filter::new("resource_name", "resource_name", FilterKind::Text),
];

const ONE: &str = "/registered_limits/{registered_limit_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/registered_limits", "identity:list_registered_limits", &list),
    Endpoint::post("/registered_limits", "identity:create_registered_limits", &create).schema(CREATE),
    Endpoint::get(ONE, "identity:get_registered_limit", &show),
    Endpoint::patch(ONE, "identity:update_registered_limit", &update).schema(UPDATE),
    Endpoint::delete(ONE, "identity:delete_registered_limit", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &BY_ID)?;
    let wanted = filter::conditions(&request, FILTERS)?;
    let (base, asked) = (request.base_url(), paging.clone());
    let limits = service.store.read(move |db| db::registered_limits::list(db, &wanted, Some(&asked))).await?;
    let items = limits.iter().map(|limit| view::limit::registered_limit(limit, &base)).collect();
    Ok(page(&request, "registered_limits", items, &paging))
}

/// All of them or none.
async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let limits: Vec<RegisteredLimit> = super::batch(&request, "registered_limits")?;
    let limits: Vec<_> = limits.into_iter().map(|limit| RegisteredLimit { id: new_id(), ..limit }).collect();
    let base = request.base_url();
    let items: Value = limits.iter().map(|limit| view::limit::registered_limit(limit, &base)).collect();
    service.write(move |db| limits.iter().try_for_each(|limit| db::registered_limits::insert(db, limit))).await?;
    Ok(Reply::created(json!({ "registered_limits": items })))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("registered_limit_id")?.to_owned();
    let limit = service.store.read(move |db| db::registered_limits::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "registered_limit": view::limit::registered_limit(&limit, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("registered_limit_id")?.to_owned();
    let mut given = attributes(&request, "registered_limit")?;
    given.same("id", &id, "ID")?;
    let limit = service
        .write(move |db| {
            let mut limit = db::registered_limits::get(db, &id)?;
            limit.service_id = given.text("service_id").unwrap_or(limit.service_id);
            limit.region_id = given.nullable("region_id").unwrap_or(limit.region_id);
            limit.resource_name = given.text("resource_name").unwrap_or(limit.resource_name);
            limit.default_limit = given.integer("default_limit").unwrap_or(limit.default_limit);
            limit.description = given.nullable("description").unwrap_or(limit.description);
            db::registered_limits::update(db, &limit)?;
            Ok(limit)
        })
        .await?;
    Ok(Reply::ok(json!({ "registered_limit": view::limit::registered_limit(&limit, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("registered_limit_id")?.to_owned();
    service.write(move |db| db::registered_limits::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
