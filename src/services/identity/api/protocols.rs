//! `/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{attributes, collection, id_of_new};
use crate::domain::federation::Protocol;
use crate::{IdentityService, db, view};

const CREATE: &str = r#"{"type": "object", "additionalProperties": false, "required": ["protocol"], "properties": {
    "protocol": {"type": "object", "additionalProperties": false, "required": ["mapping_id"], "properties": {
        "mapping_id": {"type": "string", "minLength": 1, "maxLength": 64},
        "remote_id_attribute": {"type": ["string", "null"], "maxLength": 64}}}}}"#;
const UPDATE: &str = r#"{"type": "object", "additionalProperties": false, "required": ["protocol"], "properties": {
    "protocol": {"type": "object", "additionalProperties": false, "required": ["mapping_id"], "properties": {
        "mapping_id": {"type": "string", "minLength": 1, "maxLength": 64},
        "remote_id_attribute": {"type": "string", "maxLength": 64}}}}}"#;

const ALL: &str = "/OS-FEDERATION/identity_providers/{idp_id}/protocols";
const ONE: &str = "/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(ALL, "identity:list_protocols", &list),
    Endpoint::get(ONE, "identity:get_protocol", &show),
    Endpoint::put(ONE, "identity:create_protocol", &create).schema(CREATE),
    Endpoint::patch(ONE, "identity:update_protocol", &update).schema(UPDATE),
    Endpoint::delete(ONE, "identity:delete_protocol", &delete),
];

/// The identity provider's id and the protocol's.
fn ids(request: &Request) -> Result<(String, String), Fault> {
    Ok((request.param("idp_id")?.to_owned(), request.param("protocol_id")?.to_owned()))
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (idp_id, base) = (request.param("idp_id")?.to_owned(), request.base_url());
    let found = service.store.read(move |db| db::protocols::list(db, &idp_id)).await?;
    let items = found.iter().map(|it| view::federation::listed_protocol(it, &base)).collect();
    Ok(collection(&request, "protocols", items))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "protocol")?;
    let new = Protocol::new(request.param("idp_id")?.to_owned(), id_of_new(&request, "protocol_id")?, given);
    let reply = json!({ "protocol": view::federation::protocol(&new, &request.base_url()) });
    service.write(move |db| db::protocols::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (idp_id, id) = ids(&request)?;
    let found = service.store.read(move |db| db::protocols::get(db, &idp_id, &id)).await?;
    Ok(Reply::ok(json!({ "protocol": view::federation::protocol(&found, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let ((idp_id, id), given) = (ids(&request)?, attributes(&request, "protocol")?);
    let changed = service
        .write(move |db| {
            let mut protocol = db::protocols::get(db, &idp_id, &id)?;
            protocol.apply(given);
            db::protocols::update(db, &protocol)?;
            Ok(protocol)
        })
        .await?;
    Ok(Reply::ok(json!({ "protocol": view::federation::protocol(&changed, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (idp_id, id) = ids(&request)?;
    service.write(move |db| db::protocols::delete(db, &idp_id, &id)).await?;
    Ok(Reply::no_content())
}
