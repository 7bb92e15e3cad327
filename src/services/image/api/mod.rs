//! The REST surface: one file per resource, each with its table of endpoints.

pub mod actions;
pub mod cache;
pub mod data;
mod filters;
pub mod images;
pub mod imports;
pub mod info;
pub mod locations;
pub mod members;
pub mod metadefs;
pub mod schemas;
pub mod tags;
pub mod tasks;
pub mod usage;

use http_kit::{Endpoint, Paging, Reply, Request};
use serde_json::{Map, Value};

use crate::Images;

/// All endpoints.
pub static TABLES: &[&[Endpoint<Images>]] = &[
    images::ENDPOINTS,
    data::ENDPOINTS,
    imports::ENDPOINTS,
    info::ENDPOINTS,
    tags::ENDPOINTS,
    members::ENDPOINTS,
    actions::ENDPOINTS,
    tasks::ENDPOINTS,
    locations::ENDPOINTS,
    cache::ENDPOINTS,
    schemas::ENDPOINTS,
    usage::ENDPOINTS,
    metadefs::namespaces::ENDPOINTS,
    metadefs::objects::ENDPOINTS,
    metadefs::properties::ENDPOINTS,
    metadefs::resource_types::ENDPOINTS,
    metadefs::tags::ENDPOINTS,
    metadefs::schemas::ENDPOINTS,
];

/// A page of the collection `name`, as Glance answers it: `last` is the id of its last item, and `more` whether others follow.
fn page(request: &Request, name: &str, paging: &Paging, items: Vec<Value>, last: &str, more: bool) -> Reply {
    let (first, next) = paging.relative_links(request, items.len(), last);
    let mut body = Map::new();
    body.insert(name.to_owned(), items.into());
    body.insert("first".to_owned(), first.into());
    body.insert("schema".to_owned(), format!("/v2/schemas/{name}").into());
    if let Some(next) = next.filter(|_| more) {
        body.insert("next".to_owned(), next.into());
    }
    Reply::ok(body)
}
