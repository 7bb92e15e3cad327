//! The network agent: what runs on each host, without a database handle.
//!
//! It makes the host's network look as the network service says, through a [`drivers::NetworkDriver`]:
//! [`drivers::linux`] on a real host, [`drivers::fake`] in tests and with `--network fake`.

mod agent;
pub mod drivers;
mod tunnel;

pub use agent::{NetworkAgent, metadata_handler};
