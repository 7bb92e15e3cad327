//! The whole appliance over real HTTP, in process, on fake drivers. A resource's tests are in the file of its name.

mod client;
mod discovery;
mod sweep;
mod tokens;
mod world;
