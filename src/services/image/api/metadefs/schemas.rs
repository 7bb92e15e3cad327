//! `/schemas/metadefs`: what definitions look like. Every token may see them.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::domain::metadefs::schemas::{self, ASSOCIATION, Kind, NAMESPACE, OBJECT, PROPERTY, TAG};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/schemas/metadefs/namespace", "", &show),
    Endpoint::get("/schemas/metadefs/namespaces", "", &list),
    Endpoint::get("/schemas/metadefs/object", "", &show),
    Endpoint::get("/schemas/metadefs/objects", "", &list),
    Endpoint::get("/schemas/metadefs/property", "", &show),
    Endpoint::get("/schemas/metadefs/properties", "", &list),
    Endpoint::get("/schemas/metadefs/resource_type", "", &show),
    Endpoint::get("/schemas/metadefs/resource_types", "", &list),
    Endpoint::get("/schemas/metadefs/tag", "", &show),
    Endpoint::get("/schemas/metadefs/tags", "", &list),
];

async fn show(_: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::one(kind(&request)?)?))
}

async fn list(_: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::list(kind(&request)?)?))
}

/// What the path's last word is about.
fn kind(request: &Request) -> Result<&'static Kind, Fault> {
    match request.path.rsplit('/').next().unwrap_or_default() {
        "namespace" | "namespaces" => Ok(&NAMESPACE),
        "object" | "objects" => Ok(&OBJECT),
        "property" | "properties" => Ok(&PROPERTY),
        "resource_type" | "resource_types" => Ok(&ASSOCIATION),
        "tag" | "tags" => Ok(&TAG),
        other => Err(Fault::not_found(format!("There is no schema of {other}."))),
    }
}
