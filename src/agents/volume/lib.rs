//! The volume agent: what runs on each host that keeps volumes, without a database handle.
//!
//! It makes, fills, connects and removes volumes as the volume service says, through a [`drivers::VolumeDriver`].

mod agent;
pub mod drivers;

pub use agent::VolumeAgent;
