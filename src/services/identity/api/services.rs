//! `/v3/services`.

use std::sync::Arc;

use http_kit::{Endpoint, Paging, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{BY_ID, attributes, filters, new_id, page};
use crate::domain::catalog::Service;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        r#""enabled": {"type": "boolean"}, "type": {"type": "string", "minLength": 1, "maxLength": 255},
           "name": {"type": "string", "minLength": 1, "maxLength": 255}"#
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "properties": {"service": {"type": "object", "required": ["type"], "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "required": ["service"], "properties": {"service": {"type": "object", "minProperties": 1,
        "properties": {"#,
    properties!(),
    "}}}}"
);

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/services", "identity:list_services", &list),
    Endpoint::post("/services", "identity:create_service", &create).schema(CREATE),
    Endpoint::get("/services/{service_id}", "identity:get_service", &show),
    Endpoint::patch("/services/{service_id}", "identity:update_service", &update).schema(UPDATE),
    Endpoint::delete("/services/{service_id}", "identity:delete_service", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, paging) = (filters::conditions(&request, &["type", "name"]), Paging::parse(&request, &BY_ID)?);
    let (base, asked) = (request.base_url(), paging.clone());
    let services = service.store.read(move |db| db::services::page(db, &wanted, &asked)).await?;
    let items = services.iter().map(|it| view::catalog::service(it, &base)).collect();
    Ok(page(&request, "services", items, &paging))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let new = Service::new(new_id(), attributes(&request, "service")?);
    let reply = json!({ "service": view::catalog::service(&new, &request.base_url()) });
    service.write(move |db| db::services::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("service_id")?.to_owned();
    let found = service.store.read(move |db| db::services::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "service": view::catalog::service(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("service_id")?.to_owned(), attributes(&request, "service")?);
    let changed = service
        .write(move |db| {
            let mut it = db::services::get(db, &id)?;
            it.apply(given)?;
            db::services::update(db, &it)?;
            Ok(it)
        })
        .await?;
    Ok(Reply::ok(json!({ "service": view::catalog::service(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("service_id")?.to_owned();
    service.write(move |db| db::services::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
