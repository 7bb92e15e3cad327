//! `/v3/OS-FEDERATION/identity_providers`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::schema::{boolean, id_or_null, text_or_null};
use super::{attributes, collection, id_of_new, new_id};
use crate::domain::attributes::Attributes;
use crate::domain::federation::IdentityProvider;
use crate::domain::project::Project;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""enabled": "#,
            boolean!(),
            r#", "description": "#,
            text_or_null!(),
            r#", "authorization_ttl": {"type": ["integer", "null"], "minimum": 0},
               "remote_ids": {"type": ["array", "null"], "uniqueItems": true,
                              "items": {"type": "string", "maxLength": 64}}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["identity_provider"], "properties": {
        "identity_provider": {"type": "object", "additionalProperties": false, "properties": {"domain_id": "#,
    id_or_null!(),
    ", ",
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "required": ["identity_provider"], "properties": {
        "identity_provider": {"type": "object", "minProperties": 1, "additionalProperties": false, "properties": {"#,
    properties!(),
    "}}}}"
);

const FILTERS: &[Filter] =
    &[Filter::new("id", "id", FilterKind::Exact), Filter::new("enabled", "enabled", FilterKind::Bool)];

const ONE: &str = "/OS-FEDERATION/identity_providers/{idp_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-FEDERATION/identity_providers", "identity:list_identity_providers", &list),
    Endpoint::get(ONE, "identity:get_identity_provider", &show),
    Endpoint::put(ONE, "identity:create_identity_provider", &create).schema(CREATE),
    Endpoint::patch(ONE, "identity:update_identity_provider", &update).schema(UPDATE),
    Endpoint::delete(ONE, "identity:delete_identity_provider", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, base) = (filter::conditions(&request, FILTERS)?, request.base_url());
    let found = service.store.read(move |db| db::identity_providers::list(db, &wanted)).await?;
    let items = found.iter().map(|it| view::federation::identity_provider(it, &base)).collect();
    Ok(collection(&request, "identity_providers", items))
}

/// Without a domain, it gets one of its own.
async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, mut given) = (id_of_new(&request, "idp_id")?, attributes(&request, "identity_provider")?);
    let (domain, now) = (given.text("domain_id"), service.clock.now());
    let made = service
        .write(move |db| {
            let domain_id = match domain {
                Some(domain_id) => domain_id,
                None => {
                    let domain = own_domain(&id, now);
                    db::projects::insert(db, &domain)?;
                    domain.id
                }
            };
            let provider = IdentityProvider::new(id, domain_id, given);
            db::identity_providers::insert(db, &provider)?;
            Ok(provider)
        })
        .await?;
    Ok(Reply::created(json!({ "identity_provider": view::federation::identity_provider(&made, &request.base_url()) })))
}

fn own_domain(provider: &str, now: kit::Timestamp) -> Project {
    let id = new_id();
    let description = format!("Auto generated federated domain for Identity Provider: {provider}");
    let mut given = crate::domain::Object::new();
    given.insert("name".to_owned(), json!(id));
    given.insert("description".to_owned(), json!(description));
    Project::new_domain(id, Attributes::new(given), now)
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("idp_id")?.to_owned();
    let found = service.store.read(move |db| db::identity_providers::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "identity_provider": view::federation::identity_provider(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (request.param("idp_id")?.to_owned(), attributes(&request, "identity_provider")?);
    let changed = service
        .write(move |db| {
            let mut provider = db::identity_providers::get(db, &id)?;
            provider.apply(given);
            db::identity_providers::update(db, &provider)?;
            Ok(provider)
        })
        .await?;
    Ok(Reply::ok(json!({ "identity_provider": view::federation::identity_provider(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("idp_id")?.to_owned();
    service.write(move |db| db::identity_providers::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
