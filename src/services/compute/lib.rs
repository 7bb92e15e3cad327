//! The compute service: Nova's API, its scheduler and its conductor.
//!
//! `api` speaks HTTP (one file per resource: its rows, then its handlers), `view` renders by microversion, `domain`
//! decides without I/O, `db` holds the SQL over this service's own tables; a resource has the same file name in each.
//! `scheduler`, `placement`, `conductor` and `metadata` answer the bus.
//!
//! Invariants: the row is written before anything is cast, a change of state is a compare-and-swap on `task_state`,
//! and quota is counted in the transaction that inserts. No other service's table is read here.

mod conductor;
pub mod db;
mod metadata;
mod placement;
mod scheduler;

/// The tables of this service.
pub const MIGRATIONS: store::Migrations =
    store::Migrations { service: "compute", steps: &[include_str!("migrations/0001_compute.sql")] };
