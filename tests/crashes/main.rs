//! The process dies at every point of every operation; started again, all is as it should be, and nothing is left behind.
//!
//! The processes are the real binary's (`cloudbox serve`), on a data directory of their own; `kit::crash` is what kills them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod client;
mod cloud;
mod fake;
mod held;
mod host;
mod libvirt;
mod operations;
mod wait;
