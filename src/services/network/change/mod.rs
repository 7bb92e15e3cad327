//! What a request changes: checks and writes of one resource, all inside one write transaction.
//!
//! A function here is given a [`Change`]: the writer's connection, the time, and a list of what hosts must hear of
//! once it is committed. It either does all of what was asked or fails with Neutron's error, and then
//! the transaction is taken back. Who may ask is decided before, in `api`.

pub mod allocation;
pub mod floatingips;
pub mod networks;
pub mod pools;
pub mod ports;
pub mod routers;
pub mod security_groups;
pub mod server_ports;
pub mod service_ports;
pub mod subnets;

use kit::Timestamp;
use kit::ids::ProjectId;
use store::Connection;

use crate::domain::affected::Affected;

/// What of the configuration a change depends on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// MTU of new networks.
    pub mtu: u32,
}

/// One write transaction of the service.
pub struct Change<'c> {
    /// The writer.
    pub db: &'c Connection,
    /// When it happens.
    pub now: Timestamp,
    /// The configuration.
    pub settings: &'c Settings,
    /// Whether an administrator asks: may use what is another project's.
    pub is_admin: bool,
    /// What hosts must hear of.
    pub affected: Affected,
}

impl Change<'_> {
    /// Whether something of `owner` may be used for something of `user`.
    #[must_use]
    pub fn may_use(&self, owner: &ProjectId, user: &ProjectId) -> bool {
        self.is_admin || owner == user
    }
}

/// A new random id.
#[must_use]
pub fn new_id<T: From<String>>() -> T {
    T::from(uuid::Uuid::new_v4().hyphenated().to_string())
}
