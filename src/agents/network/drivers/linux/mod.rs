//! wip
pub mod names;
