//! How things are shown.

pub(crate) mod audit;
