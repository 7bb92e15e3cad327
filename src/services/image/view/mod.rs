//! What the service has, as JSON.

pub mod cache;
pub mod images;
pub mod members;
pub mod metadefs;
pub mod schemas;
pub mod tasks;
