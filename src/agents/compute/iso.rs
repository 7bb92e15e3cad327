//! An ISO 9660 image with Joliet names: the config drive.
//!
//! Pure: files in, bytes out. Two directory trees name the same bytes: one with names of 8.3 letters, for the
//! standard's sake, and one with the names as they are, which Linux prefers. Sizes are counted in sectors of 2048 bytes:
//! ```text
//! 0-15 empty   16 primary descriptor   17 Joliet descriptor   18 end of descriptors
//! then path tables (little and big endian, of either tree), directories of either tree, files
//! ```

mod tree;
mod write;

use kit::Timestamp;

use tree::Tree;

/// A sector.
const SECTOR: usize = 2048;

/// Why there is no image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum IsoError {
    /// A path cannot be a file's.
    #[error("{0:?} is no path of a file on an ISO image")]
    Path(String),
    /// It would be larger than the format can say.
    #[error("the image would be too large")]
    TooLarge,
}

/// An image labelled `label` with `files` (path and contents), dated `at`.
///
/// # Errors
/// [`IsoError`]; nothing else can go wrong.
pub(crate) fn image<'f>(
    label: &str,
    at: Timestamp,
    files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
) -> Result<Vec<u8>, IsoError> {
    let tree = Tree::new(files)?;
    write::image(label, at, &tree)
}

#[cfg(test)]
mod tests;
