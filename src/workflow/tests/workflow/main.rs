//! The workflow engine through its public face: running, resuming, the harness, and random workflows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows a helper in a test's file for production code"
)]

mod harness;
mod journals;
mod random;
mod resuming;
mod running;
mod support;
