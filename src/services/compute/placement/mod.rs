//! Placement: inventories, allocations and their atomic claims, and Placement's own API.
//!
//! Hosts themselves (heartbeat, inventory as reported, disabled or not) are rows of [`crate::db::hosts`].
