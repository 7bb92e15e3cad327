//! `/v3/OS-FEDERATION/service_providers`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::schema::{boolean, text_or_null};
use super::{attributes, collection, id_of_new};
use crate::domain::federation::ServiceProvider;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""auth_url": {"type": "string", "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"},
               "sp_url": {"type": "string", "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"},
               "description": "#,
            text_or_null!(),
            r#", "enabled": "#,
            boolean!(),
            r#", "relay_state_prefix": {"type": ["string", "null"], "maxLength": 256}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["service_provider"], "properties": {
        "service_provider": {"type": "object", "additionalProperties": false, "required": ["auth_url", "sp_url"],
        "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["service_provider"], "properties": {
        "service_provider": {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);

const FILTERS: &[Filter] =
    &[Filter::new("id", "id", FilterKind::Exact), Filter::new("enabled", "enabled", FilterKind::Bool)];

const ONE: &str = "/OS-FEDERATION/service_providers/{service_provider_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-FEDERATION/service_providers", "identity:list_service_providers", &list),
    Endpoint::get(ONE, "identity:get_service_provider", &show),
    Endpoint::put(ONE, "identity:create_service_provider", &create).schema(CREATE),
    Endpoint::patch(ONE, "identity:update_service_provider", &update).schema(UPDATE),
    Endpoint::delete(ONE, "identity:delete_service_provider", &delete),
];

fn id(request: &Request) -> Result<String, Fault> {
    Ok(request.param("service_provider_id")?.to_owned())
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, base) = (filter::conditions(&request, FILTERS)?, request.base_url());
    let found = service.store.read(move |db| db::service_providers::list(db, &wanted)).await?;
    let items = found.iter().map(|it| view::federation::service_provider(it, &base)).collect();
    Ok(collection(&request, "service_providers", items))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "service_provider")?;
    let new = ServiceProvider::new(id_of_new(&request, "service_provider_id")?, given);
    let reply = json!({ "service_provider": view::federation::service_provider(&new, &request.base_url()) });
    service.write(move |db| db::service_providers::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = id(&request)?;
    let found = service.store.read(move |db| db::service_providers::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "service_provider": view::federation::service_provider(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (id(&request)?, attributes(&request, "service_provider")?);
    let changed = service
        .write(move |db| {
            let mut provider = db::service_providers::get(db, &id)?;
            provider.apply(given);
            db::service_providers::update(db, &provider)?;
            Ok(provider)
        })
        .await?;
    Ok(Reply::ok(json!({ "service_provider": view::federation::service_provider(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = id(&request)?;
    service.write(move |db| db::service_providers::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
