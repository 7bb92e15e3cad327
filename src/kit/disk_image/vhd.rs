//! Virtual PC's and the old Hyper-V's disks: a footer of 512 bytes at the end, and a copy of it at the beginning of those that grow.

use super::bytes::{Bytes, expect, within};
use super::{Danger, Verdict, Window};

pub(super) const MAGIC: &[u8] = b"conectix";
const FOOTER: u64 = 512;
const FIXED: u64 = 2;
const DYNAMIC: u64 = 3;
const DIFFERENCING: u64 = 4;

/// The footer that counts, if there is one: the copy at the beginning, as QEMU has it.
pub(super) fn footer(window: &Window) -> Option<Bytes<'_>> {
    let head = Bytes(&window.head);
    if head.has(0, MAGIC) {
        return Some(Bytes(head.at(0, FOOTER).unwrap_or(&window.head)));
    }
    last(window)
}

fn last(window: &Window) -> Option<Bytes<'_>> {
    let start = (window.tail.len() as u64).checked_sub(FOOTER)?;
    Bytes(&window.tail).at(start, FOOTER).map(Bytes).filter(|footer| footer.has(0, MAGIC))
}

pub(super) fn examine(window: &Window) -> Verdict {
    let Some(footer) = footer(window) else { return (None, Err(Danger::Damaged)) };
    (footer.big(48, 8).ok(), check(window, footer))
}

fn check(window: &Window, footer: Bytes) -> Result<(), Danger> {
    let head = Bytes(&window.head);
    let (kind, disk) = (footer.big(60, 4)?, footer.big(48, 8)?);
    if let Some(last) = last(window) {
        expect(last.big(60, 4)? == kind && last.big(48, 8)? == disk)?;
    }
    match kind {
        DIFFERENCING => Err(Danger::BackingFile),
        FIXED => {
            let room = window.size.checked_sub(FOOTER).ok_or(Danger::Damaged)?;
            expect(!head.has(0, MAGIC) && disk <= room)
        }
        DYNAMIC => {
            expect(head.has(0, MAGIC))?;
            let header = head.at(footer.big(16, 8)?, 1024).ok_or(Danger::Damaged)?;
            check_dynamic(Bytes(header), disk, window.size)
        }
        _ => Err(Danger::UnknownFeatures),
    }
}

fn check_dynamic(header: Bytes, disk: u64, size: u64) -> Result<(), Danger> {
    expect(header.has(0, b"cxsparse"))?;
    // The parent's id, and the places of its names.
    let locators = (0..8).all(|index| header.is_zero(576 + 24 * index, 4));
    if !header.is_zero(40, 16) || !locators {
        return Err(Danger::BackingFile);
    }
    let (table, entries, block) = (header.big(16, 8)?, header.big(28, 4)?, header.big(32, 4)?);
    expect(block.is_power_of_two() && block >= 512)?;
    expect(entries.saturating_mul(block) >= disk)?;
    expect(within(table, entries * 4, size))
}
