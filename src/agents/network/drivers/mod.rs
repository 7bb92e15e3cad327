//! Drivers: how a host's network is made to look as the specs of [`bus::topics::network_spec`] say.
//!
//! [`driver`] is the contract, [`desired`] the bookkeeping and the checks that every driver shares,
//! [`fake`] keeps the contract in memory, [`linux`] with bridges, namespaces, nftables and dnsmasq.

pub mod desired;
pub mod driver;
pub mod fake;
pub mod linux;
pub mod validate;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use driver::{
    Capabilities, Connection, DriverError, MetadataHandler, MetadataReply, MetadataRequest, NetworkDriver,
};
