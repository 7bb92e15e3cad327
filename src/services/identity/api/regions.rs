//! `/v3/regions`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::schema::text_or_null;
use super::{attributes, collection, filters, new_id};
use crate::domain::attributes::Attributes;
use crate::domain::catalog::Region;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""description": "#,
            text_or_null!(),
            r#", "id": {"type": ["string", "null"], "maxLength": 255},
               "parent_region_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "required": ["region"], "properties": {"region": {"type": "object", "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["region"], "properties": {"region": {
        "type": "object", "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);

/// Keystone takes no other parameter here, not even a page's.
const QUERY: &str = r#"{"type": "object", "additionalProperties": false, "properties": {"parent_region_id": {
    "type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}}}}"#;

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/regions", "identity:list_regions", &list).query_schema(QUERY),
    Endpoint::post("/regions", "identity:create_region", &create).schema(CREATE),
    Endpoint::get("/regions/{region_id}", "identity:get_region", &show),
    Endpoint::put("/regions/{region_id}", "identity:create_region", &put).schema(CREATE),
    Endpoint::patch("/regions/{region_id}", "identity:update_region", &update).schema(UPDATE),
    Endpoint::delete("/regions/{region_id}", "identity:delete_region", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, base) = (filters::conditions(&request, &["parent_region_id"]), request.base_url());
    let regions = service.store.read(move |db| db::regions::list(db, &wanted)).await?;
    Ok(collection(&request, "regions", regions.iter().map(|it| view::catalog::region(it, &base)).collect()))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "region")?;
    let id = given.text("id").filter(|id| !id.is_empty()).unwrap_or_else(new_id);
    add(&service, &request, id, given).await
}

async fn put(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, mut given) = (request.param("region_id")?.to_owned(), attributes(&request, "region")?);
    if let Some(other) = given.text("id").filter(|other| *other != id) {
        return Err(Fault::bad_request(format!("Conflicting region IDs specified: \"{id}\" != \"{other}\"")));
    }
    add(&service, &request, id, given).await
}

async fn add(service: &IdentityService, request: &Request, id: String, given: Attributes) -> Result<Reply, Fault> {
    let new = Region::new(id, given);
    let reply = json!({ "region": view::catalog::region(&new, &request.base_url()) });
    service.write(move |db| db::regions::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("region_id")?.to_owned();
    let found = service.store.read(move |db| db::regions::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "region": view::catalog::region(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("region_id")?.to_owned(), attributes(&request, "region")?);
    let changed = service
        .write(move |db| {
            let mut it = db::regions::get(db, &id)?;
            it.apply(given)?;
            db::regions::update(db, &it)?;
            Ok(it)
        })
        .await?;
    Ok(Reply::ok(json!({ "region": view::catalog::region(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("region_id")?.to_owned();
    service.write(move |db| db::regions::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
