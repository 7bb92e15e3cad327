//! SQL over the service's own tables.

pub mod images;
