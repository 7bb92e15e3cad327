//! SQL over the service's own tables.

pub mod images;
pub mod members;
pub mod usage;
