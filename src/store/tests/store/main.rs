//! The store through its public face: jobs, opening, crashes, and a model.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows a helper in a test's file for production code"
)]

mod crash;
mod jobs;
mod model;
mod opening;
