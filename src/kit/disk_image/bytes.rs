//! Numbers at places that somebody else wrote down.

use super::Danger;

/// A part of an image.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The `length` bytes at `offset`, if they are there.
    pub fn at(self, offset: u64, length: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = usize::try_from(offset.checked_add(length)?).ok()?;
        self.0.get(start..end)
    }

    /// The number of `length` bytes at `offset`, most significant first.
    pub fn big(self, offset: u64, length: u64) -> Result<u64, Danger> {
        let bytes = self.at(offset, length).ok_or(Danger::Damaged)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The number of `length` bytes at `offset`, least significant first.
    pub fn little(self, offset: u64, length: u64) -> Result<u64, Danger> {
        let bytes = self.at(offset, length).ok_or(Danger::Damaged)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Whether `magic` is at `offset`.
    pub fn has(self, offset: u64, magic: &[u8]) -> bool {
        self.at(offset, magic.len() as u64) == Some(magic)
    }

    /// Whether the bytes there are all zero; what is not there is not.
    pub fn is_zero(self, offset: u64, length: u64) -> bool {
        self.at(offset, length).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
    }
}

/// Damage, unless `so`.
pub(super) fn expect(so: bool) -> Result<(), Danger> {
    if so { Ok(()) } else { Err(Danger::Damaged) }
}

/// Whether a table of `length` bytes at `offset` lies in a file of `size` bytes.
pub(super) fn within(offset: u64, length: u64, size: u64) -> bool {
    offset.checked_add(length).is_some_and(|end| end <= size)
}
