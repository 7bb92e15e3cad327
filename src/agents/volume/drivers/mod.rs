//! Drivers: how a host keeps volumes. [`driver`] is the contract; every driver passes [`contract`].

#[cfg(test)]
mod contract;
pub mod driver;
pub mod fake;
pub mod file;

pub use driver::{Room, VolumeDriver};
