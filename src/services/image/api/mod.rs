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

use std::collections::BTreeMap;

use http_kit::{Endpoint, Paging, Reply, Request};
use serde::Serialize;

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
fn page(
    request: &Request,
    name: &'static str,
    paging: &Paging,
    items: Vec<impl Serialize>,
    last: &str,
    more: bool,
) -> Reply {
    let (first, next) = paging.relative_links(request, items.len(), last);
    Reply::ok(Page {
        items: BTreeMap::from([(name, items)]),
        first,
        schema: format!("/v2/schemas/{name}"),
        next: next.filter(|_| more),
    })
}

/// The body of a page.
#[derive(Serialize)]
struct Page<T> {
    /// The items, under the collection's name.
    #[serde(flatten)]
    items: BTreeMap<&'static str, Vec<T>>,
    first: String,
    schema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}
