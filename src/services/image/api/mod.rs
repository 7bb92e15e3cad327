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

use http_kit::Endpoint;

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
