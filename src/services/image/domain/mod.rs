//! What an image is and what may be done to it: pure.

pub mod cache;
pub mod content;
pub mod image;
pub mod import;
pub mod input;
pub mod location;
pub mod member;
pub mod metadefs;
pub mod patch;
pub mod quota;
pub mod range;
pub mod task;
pub mod visibility;
