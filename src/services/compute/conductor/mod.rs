//! Topic `conductor`: the database, for compute agents, which have none.
//!
//! It stands on [`crate::db`]: `instances::{get, update, on_host}`, `block_devices`, `actions`, `faults`, `spans`.
