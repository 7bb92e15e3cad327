//! SQL over the service's own tables.

pub mod cache;
pub mod images;
pub mod imports;
pub mod locations;
pub mod members;
pub mod metadefs;
pub mod staged;
pub mod tasks;
pub mod usage;
