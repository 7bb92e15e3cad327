//! VMware's disks in one file: `monolithicSparse` and `streamOptimized`, with the descriptor inside.

use super::bytes::{Bytes, expect};
use super::{Danger, Verdict};

const SECTOR: u64 = 512;
/// Where the grain directory is, when the header says that it is in the footer.
const AT_END: u64 = u64::MAX;
/// The footer is the last sector but one: the very last one marks the end of the stream.
const FOOTER_FROM_END: u64 = 2 * SECTOR;

pub(super) fn looks_like(head: Bytes) -> bool {
    head.has(0, b"KDMV") || head.has(0, b"COWD") || is_descriptor(head)
}

/// Whether it is a descriptor by itself, as QEMU tells one: `version=` after nothing but comments and blank lines.
fn is_descriptor(head: Bytes) -> bool {
    if head.has(0, b"# Disk DescriptorFile") {
        return true;
    }
    let lines = head.0.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.take(64).find(|line| !line.is_empty() && !line.starts_with(b"#"));
    matches!(first, Some(b"version=1" | b"version=2" | b"version=3"))
}

pub(super) fn examine(head: Bytes, tail: Bytes) -> Verdict {
    if head.has(0, b"COWD") {
        return (None, Err(Danger::Unsupported));
    }
    if !head.has(0, b"KDMV") {
        return (None, Err(Danger::ForeignExtents));
    }
    let virtual_size = head.little(12, 8).ok().and_then(|sectors| sectors.checked_mul(SECTOR));
    (virtual_size, check(head, tail))
}

fn check(head: Bytes, tail: Bytes) -> Result<(), Danger> {
    if !(1..=3).contains(&head.little(4, 4)?) {
        return Err(Danger::UnknownFeatures);
    }
    // Without a size of its own, QEMU takes the descriptor for that of other files.
    expect(head.little(12, 8)? != 0)?;
    expect(head.little(12, 8)?.checked_mul(SECTOR).is_some())?;
    let (grain, entries) = (head.little(20, 8)?, head.little(44, 4)?);
    expect(grain.is_power_of_two() && (1..=512).contains(&entries))?;
    if head.little(56, 8)? == AT_END {
        check_footer(head, tail)?;
    }
    let start = head.little(28, 8)?.checked_mul(SECTOR).ok_or(Danger::Damaged)?;
    let length = head.little(36, 8)?.checked_mul(SECTOR).ok_or(Danger::Damaged)?;
    expect(start != 0)?;
    check_descriptor(head.at(start, length).ok_or(Danger::Damaged)?)
}

/// Where there is a footer, QEMU goes by it: it must say the same.
fn check_footer(head: Bytes, tail: Bytes) -> Result<(), Danger> {
    let start = (tail.0.len() as u64).checked_sub(FOOTER_FROM_END).ok_or(Danger::Damaged)?;
    let footer = Bytes(tail.at(start, SECTOR).ok_or(Danger::Damaged)?);
    // All but the place of the grain directory.
    let same = head.at(0, 48) == footer.at(0, 48);
    expect(same && footer.little(56, 8)? != AT_END)
}

/// A line that is not understood is refused: another program may understand it.
fn check_descriptor(bytes: &[u8]) -> Result<(), Danger> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end);
    expect(text.is_ascii() && rest.iter().all(|byte| *byte == 0))?;
    let text = String::from_utf8_lossy(text).to_lowercase();
    let (mut kind, mut parent, mut extents) = (None, None, 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with("ddb.") {
            continue;
        }
        if ["rw ", "rdonly ", "noaccess "].iter().any(|access| line.starts_with(access)) {
            extents += 1;
            check_extent(line)?;
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(Danger::Damaged)?;
        let value = value.trim().trim_matches('"').to_owned();
        match name.trim() {
            "createtype" => expect(kind.replace(value).is_none())?,
            "parentcid" => expect(parent.replace(value).is_none())?,
            "parentfilenamehint" => return Err(Danger::BackingFile),
            name => expect(!name.contains(' '))?,
        }
    }
    if !matches!(kind.as_deref(), Some("monolithicsparse" | "streamoptimized")) {
        return Err(Danger::ForeignExtents);
    }
    if parent.is_some_and(|parent| parent != "ffffffff") {
        return Err(Danger::BackingFile);
    }
    if extents == 1 { Ok(()) } else { Err(Danger::ForeignExtents) }
}

/// `rw 2048 sparse "name.vmdk"`: sparse, and a plain name.
fn check_extent(line: &str) -> Result<(), Danger> {
    let mut words = line.splitn(4, ' ').skip(2);
    let sparse = words.next() == Some("sparse");
    let name = words.next().unwrap_or_default();
    if sparse && !name.contains('/') { Ok(()) } else { Err(Danger::ForeignExtents) }
}
