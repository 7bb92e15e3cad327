//! The agent on a bus whose other ends are fakes, with the fake hypervisor.

mod absent;
mod builds;
pub(crate) mod cloud;
mod deletes;
mod harness;
mod no_way_back;
mod operations;
mod restarts;
mod snapshots;
pub(crate) mod world;
