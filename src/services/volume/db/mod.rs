//! SQL over the service's own tables.

pub mod agents;
pub mod attachments;
pub mod quotas;
pub mod types;
pub mod volumes;
