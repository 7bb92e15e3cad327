//! `/types`: volume types.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use crate::Volumes;
use crate::db::types;
use crate::view::types::volume_type;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Volumes>] = &[
    Endpoint::get("/types", "volume_extension:type_get_all", &list),
    Endpoint::get("/types/default", "volume_extension:type_get", &show_default),
    Endpoint::get("/types/{type_id}", "volume_extension:type_get", &show),
];

async fn list(service: Arc<Volumes>, _: Request) -> Result<Reply, Fault> {
    let all = service.store.read(|db| types::list(db).map_err(Fault::from)).await?;
    Ok(Reply::ok(json!({ "volume_types": all.iter().map(volume_type).collect::<Vec<_>>() })))
}

async fn show_default(service: Arc<Volumes>, _: Request) -> Result<Reply, Fault> {
    let name = service.config.default_type.clone();
    service.show_type(name).await
}

async fn show(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("type_id")?.to_owned();
    service.show_type(id).await
}

impl Volumes {
    async fn show_type(&self, id: String) -> Result<Reply, Fault> {
        let wanted = id.clone();
        let found = self.store.read(move |db| types::find(db, &wanted).map_err(Fault::from)).await?;
        let found = found.ok_or_else(|| Fault::not_found(format!("Volume type {id} could not be found.")))?;
        Ok(Reply::ok(json!({ "volume_type": volume_type(&found) })))
    }
}
