//! The compute agent: what runs on each host, without a database handle.
//!
//! It owns the guests of its host: their files, their domain, the image cache. It does not own their rows (conductor
//! does), their ports or their volumes (it asks for those over the bus, with the caller's token). Nothing here knows
//! whether the services are in the same process.
//!
//! * [`agent`]: the agent and its topic; `owner`: one task per server that takes what is asked in order.
//! * `build`, `delete`, `power`, `volumes`, `snapshot`: what is done to a server; the long ones are workflows.
//! * `reconcile`: registering, heartbeats, events, and what a crash or a reboot of the host left undone; `cut_off`: guests whose
//!   device somebody deleted.
//! * `guest`: files, disks and domain of a server; `disks`, `image_cache`, `iso`: making the files; `image_service`: where images'
//!   bytes come from and go to, on a host that does not share the image store's files.
//!
//! Invariants: what the agent does can be repeated; a build that fails gives everything back; a stop of the agent leaves
//! guests running and cuts work off where it is, to be resumed from the journal.

pub mod agent;
mod build;
mod console;
mod cut_off;
mod delete;
mod disks;
mod guest;
mod host;
mod image_cache;
mod image_service;
mod iso;
mod journal;
mod owner;
mod power;
mod reconcile;
mod snapshot;
mod volumes;
mod work;

#[cfg(test)]
mod tests;

pub use agent::ComputeAgent;
pub use guest::files::{GuestFiles, guest_files};
