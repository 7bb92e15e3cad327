//! The agent on a bus whose other ends are fakes, with the fake hypervisor.

mod builds;
mod cloud;
mod deletes;
mod harness;
mod operations;
mod restarts;
mod world;
