//! The whole appliance over real HTTP, in process, on fake drivers. A resource's tests are in the file of its name.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod audit;
mod backups;
mod bad_input;
mod client;
mod compatibility;
mod discovery;
mod doctor;
mod flavors;
mod full_disk;
mod full_stores;
mod growth;
mod hosts;
mod images;
mod keypairs;
mod networks;
mod operation;
mod policy;
mod reasons;
mod restarts;
mod scenery;
mod server_failures;
mod server_groups;
mod server_operations;
mod server_volumes;
mod servers;
mod sweep;
mod tokens;
mod upgrades;
mod volumes;
mod world;
