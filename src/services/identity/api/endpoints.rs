//! `/v3/endpoints`.

use std::sync::Arc;

use http_kit::{Condition, Paging, Reply, Request};
use kit::Fault;
use serde_json::json;
use store::Connection;

use super::schema::text_or_null;
use super::{BY_ID, attributes, filters, new_id, page};
use crate::domain::attributes::Attributes;
use crate::domain::catalog::{Endpoint, Region, check_url};
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""enabled": {"type": "boolean"}, "interface": {"type": "string", "enum": ["admin", "internal", "public"]},
               "region_id": "#,
            text_or_null!(),
            r#", "region": "#,
            text_or_null!(),
            r#", "service_id": {"type": "string"}, "name": {"type": "string"}, "description": "#,
            text_or_null!(),
            r#", "url": {"type": "string", "minLength": 0, "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "properties": {"endpoint": {
        "type": "object", "required": ["interface", "service_id", "url"], "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["endpoint"], "properties": {"endpoint": {
        "type": "object", "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);

const QUERY: &str = r#"{"type": "object", "properties": {"interface": {"type": "array",
    "items": {"type": "string", "enum": ["admin", "internal", "public"]}}}}"#;

pub(crate) static ENDPOINTS: &[http_kit::Endpoint<IdentityService>] = &[
    http_kit::Endpoint::get("/endpoints", "identity:list_endpoints", &list).query_schema(QUERY),
    http_kit::Endpoint::post("/endpoints", "identity:create_endpoint", &create).schema(CREATE),
    http_kit::Endpoint::get("/endpoints/{endpoint_id}", "identity:get_endpoint", &show),
    http_kit::Endpoint::patch("/endpoints/{endpoint_id}", "identity:update_endpoint", &update).schema(UPDATE),
    http_kit::Endpoint::delete("/endpoints/{endpoint_id}", "identity:delete_endpoint", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let wanted = filters::conditions(&request, &["interface", "service_id", "region_id"]);
    let paging = Paging::parse(&request, &BY_ID)?;
    let (base, asked) = (request.base_url(), paging.clone());
    let endpoints = service.store.read(move |db| db::endpoints::page(db, &wanted, &asked)).await?;
    let items = endpoints.iter().map(|it| view::catalog::endpoint(it, &base)).collect();
    Ok(page(&request, "endpoints", items, &paging))
}

/// A region that is named in the old way, as `region`, is made where it is missing.
fn ensure_region(db: &Connection, old_style: Option<String>) -> Result<(), Fault> {
    match old_style {
        Some(id) if db::regions::list(db, &Condition::is("id", id.as_str()))?.is_empty() => {
            db::regions::insert(db, &Region::new(id, Attributes::default()))
        }
        _ => Ok(()),
    }
}

fn old_style_region(given: &Attributes) -> Option<String> {
    given.peek("region").filter(|_| given.peek("region_id").is_none()).map(str::to_owned)
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "endpoint")?;
    let region = old_style_region(&given);
    let new = Endpoint::new(new_id(), given);
    check_url(&new.url)?;
    let reply = json!({ "endpoint": view::catalog::endpoint(&new, &request.base_url()) });
    service
        .write(move |db| {
            ensure_region(db, region)?;
            db::endpoints::insert(db, &new)
        })
        .await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("endpoint_id")?.to_owned();
    let found = service.store.read(move |db| db::endpoints::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "endpoint": view::catalog::endpoint(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("endpoint_id")?.to_owned(), attributes(&request, "endpoint")?);
    let region = old_style_region(&given);
    let changed = service
        .write(move |db| {
            let mut it = db::endpoints::get(db, &id)?;
            it.apply(given)?;
            ensure_region(db, region)?;
            db::endpoints::update(db, &it)?;
            Ok(it)
        })
        .await?;
    Ok(Reply::ok(json!({ "endpoint": view::catalog::endpoint(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("endpoint_id")?.to_owned();
    service.write(move |db| db::endpoints::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
