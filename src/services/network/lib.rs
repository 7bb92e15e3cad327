//! The network service (Neutron): networks, subnets, ports, routers, security groups.
//!
//! It owns its tables (`network_*`) and decides what the network should look like; network agents make it look so. It
//! knows agents only over the bus (topic `network-agent` on a host), and compute asks it over the topic `network`.
//!
//! A change goes this way: `api` (or `rpc`) reads the request and says whether the caller may; `change` checks and writes
//! in one transaction and gathers what is affected; after the commit [`realize`] turns that into messages to the hosts
//! concerned. The database is the record: a host that could not be told is sent everything later.
//!
//! Invariants: no two ports of a network have the same MAC address, no two of a subnet the same address
//! (unique keys); what is free of a subnet is known as ranges (`db::addresses`); quotas hold in the transaction
//! that adds what they count; a project sees its own, and what is shared or external.

mod api;
mod bootstrap;
pub mod change;
pub mod db;
pub mod domain;
mod policy;
pub mod realize;
mod rpc;
mod service;
pub mod view;

use std::sync::Arc;

use http_kit::dialect;
use store::Migrations;

pub use policy::RULES;
pub use service::Network;

/// The ids of all that `db` knows and that hosts make devices and namespaces for: networks, ports, routers.
///
/// # Errors
/// What the store reports.
pub fn ids_with_devices(db: &store::Connection) -> Result<Vec<String>, store::Error> {
    db::networks::ids_with_devices(db)
}

/// The tables.
pub const MIGRATIONS: Migrations =
    Migrations { service: "network", steps: &[include_str!("migrations/0001_network.sql")] };

impl Network {
    /// The REST API. The appliance adds who checks tokens.
    #[must_use]
    pub fn rest(self: &Arc<Self>) -> http_kit::Service<Self> {
        http_kit::Service::new(&dialect::NEUTRON, self.clone(), api::TABLES)
            .rules(RULES)
            .scopes(http_kit::Scopes::PROJECT)
    }
}

#[cfg(test)]
mod tests;
