//! SQL over the service's own tables.

pub mod images;
pub mod members;
pub mod metadefs;
pub mod usage;
