//! `/v3/OS-FEDERATION/mappings`.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{collection, id_of_new};
use crate::domain::federation::StoredMapping;
use crate::{IdentityService, db, error, view};

const ONE: &str = "/OS-FEDERATION/mappings/{mapping_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-FEDERATION/mappings", "identity:list_mappings", &list),
    Endpoint::get(ONE, "identity:get_mapping", &show),
    Endpoint::put(ONE, "identity:create_mapping", &create),
    Endpoint::patch(ONE, "identity:update_mapping", &update),
    Endpoint::delete(ONE, "identity:delete_mapping", &delete),
];

/// The mapping that the request gives. Its form depends on its version, so that no schema of the row can check it.
fn given(request: &Request) -> Result<StoredMapping, Fault> {
    let id = id_of_new(request, "mapping_id")?;
    let mapping = request.body_value()?.get("mapping").filter(|mapping| mapping.is_object());
    StoredMapping::new(id, mapping.ok_or_else(|| error::missing("mapping", "request body"))?)
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let base = request.base_url();
    let found = service.store.read(|db| db::mappings::list(db, &Condition::all())).await?;
    Ok(collection(&request, "mappings", found.iter().map(|it| view::federation::mapping(it, &base)).collect()))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let new = given(&request)?;
    let reply = json!({ "mapping": view::federation::mapping(&new, &request.base_url()) });
    service.write(move |db| db::mappings::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("mapping_id")?.to_owned();
    let found = service.store.read(move |db| db::mappings::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "mapping": view::federation::mapping(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let new = given(&request)?;
    let reply = json!({ "mapping": view::federation::mapping(&new, &request.base_url()) });
    service.write(move |db| db::mappings::update(db, &new)).await?;
    Ok(Reply::ok(reply))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("mapping_id")?.to_owned();
    service.write(move |db| db::mappings::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
