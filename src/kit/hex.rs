//! Bytes as hexadecimal digits.

/// `bytes` as lower-case hexadecimal digits, two a byte.
///
/// ```
/// assert_eq!(kit::hex(&[0, 0xab]), "00ab");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
