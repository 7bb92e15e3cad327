//! What is known about an image's bytes once they are all there.

use serde::{Deserialize, Serialize};

/// An image's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// How many there are.
    pub size: i64,
    /// How large the disk in them is.
    pub virtual_size: Option<i64>,
    /// MD5 in hexadecimal.
    pub md5: String,
    /// SHA-512 in hexadecimal.
    pub sha512: String,
}
