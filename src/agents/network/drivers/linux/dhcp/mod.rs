//! DHCP and DNS for a network: one dnsmasq in the network's own namespace.
//!
//! [`config`] says what dnsmasq reads, [`process`] keeps it running. Addresses are given only to ports that are known,
//! each its own; dnsmasq keeps no leases, so nothing is lost with it.

pub mod config;
pub mod process;

#[cfg(test)]
mod tests;
