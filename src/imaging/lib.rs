//! What opens disk images: `qemu-img` as a limited process, and decompression within bounds.
//!
//! The image service and the agents share it. Nothing here decides whether an image may be opened: that is
//! [`kit::disk_image`], which looks at the bytes first, and whose answer says the format that is passed on here.

pub mod decompress;
pub mod limited;
pub mod qemu_img;

pub use decompress::{Bounds, Compression, DecompressError, decompress};
pub use limited::{Limits, ToolError};

#[cfg(test)]
mod tests;
