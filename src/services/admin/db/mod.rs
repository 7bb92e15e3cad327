//! SQL over the service's own tables.

pub(crate) mod audit;
