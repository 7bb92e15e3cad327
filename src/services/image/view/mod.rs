//! Images as JSON.

pub mod images;
