//! The REST surface: a file per resource, each with its rows. What all resources do alike is in [`resource`].

mod agents;
mod extensions;
mod floatingips;
mod networks;
mod ports;
mod quotas;
pub mod resource;
mod root;
mod routers;
mod security_group_rules;
mod security_groups;
mod subnets;

use http_kit::Endpoint;

/// All rows.
pub static TABLES: &[&[Endpoint<crate::Network>]] = &[
    root::ENDPOINTS,
    extensions::ENDPOINTS,
    networks::ENDPOINTS,
    subnets::ENDPOINTS,
    ports::ENDPOINTS,
    routers::ENDPOINTS,
    floatingips::ENDPOINTS,
    security_groups::ENDPOINTS,
    security_group_rules::ENDPOINTS,
    quotas::ENDPOINTS,
    agents::ENDPOINTS,
];
