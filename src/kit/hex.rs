//! Bytes as hexadecimal digits.

use std::fmt::Write as _;

/// `bytes` as lower-case hexadecimal digits, two a byte.
///
/// ```
/// assert_eq!(kit::hex(&[0, 0xab]), "00ab");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
