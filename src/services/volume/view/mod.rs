//! Volumes, attachments and types as JSON.

pub mod attachments;
pub mod types;
pub mod volumes;
