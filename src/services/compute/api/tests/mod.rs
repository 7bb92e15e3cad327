//! The API alone, over the wire-checked bus, with stand-ins for the services beside it.

mod fixture;
mod flavors;
mod keypairs;
mod lists;
mod operations;
mod projects;
mod server_images;
mod servers;
mod volumes;
