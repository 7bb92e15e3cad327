//! `/extensions`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use crate::domain::faults;
use crate::view::extensions::EXTENSIONS;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/extensions", "get_extension", &list),
    Endpoint::get("/extensions/{alias}", "get_extension", &show),
];

async fn list(_service: Arc<crate::Network>, _request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({"extensions": EXTENSIONS})))
}

async fn show(_service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let alias = request.param("alias")?;
    let found = EXTENSIONS.iter().find(|extension| extension.alias == alias);
    let found = found.ok_or_else(|| faults::extension_not_found(alias))?;
    Ok(Reply::ok(json!({"extension": found})))
}
