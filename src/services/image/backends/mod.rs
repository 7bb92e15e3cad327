//! Where images' bytes are kept.

pub mod file;
