//! The whole appliance over real HTTP, in process, on fake drivers. A resource's tests are in the file of its name.

mod bad_input;
mod client;
mod compatibility;
mod discovery;
mod hosts;
mod images;
mod networks;
mod restarts;
mod scenery;
mod server_failures;
mod server_groups;
mod server_operations;
mod server_volumes;
mod servers;
mod sweep;
mod tokens;
mod world;
