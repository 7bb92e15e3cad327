//! The new Hyper-V's disks: [MS-VHDX]. A region table says where the metadata are, and those say what the disk is.
//!
//! [MS-VHDX]: https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx

use super::bytes::{Bytes, expect, within};
use super::{Danger, Verdict, Window};

pub(super) const MAGIC: &[u8] = b"vhdxfile";
/// The first region table, which is the one that counts.
const REGION_TABLE: u64 = 192 * 1024;
/// Where it ends.
pub(super) const REGION_TABLE_END: usize = 256 * 1024;
/// How much of the metadata is looked at: the table, and the items that follow it.
pub(super) const METADATA_BYTES: usize = 128 * 1024;
/// The most entries of either table.
const ENTRIES_MOST: u64 = 2047;
const MIB: u64 = 1 << 20;

/// GUIDs as they are on the disk.
type Guid = [u8; 16];
const BLOCK_TABLE: Guid = guid(0x2DC2_7766, 0xF623, 0x4200, 0x9D64_115E_9BFD_4A08);
const METADATA: Guid = guid(0x8B7C_A206, 0x4790, 0x4B9A, 0xB8FE_575F_050F_886E);
const FILE_PARAMETERS: Guid = guid(0xCAA1_6737, 0xFA36, 0x4D43, 0xB3B6_33F0_AA44_E76B);
const DISK_SIZE: Guid = guid(0x2FA5_4224, 0xCD1B, 0x4876, 0xB211_5DBE_D83B_F4B8);
const DISK_ID: Guid = guid(0xBECA_12AB, 0xB2E6, 0x4523, 0x93EF_C309_E000_C746);
const LOGICAL_SECTOR: Guid = guid(0x8141_BF1D, 0xA96F, 0x4709, 0xBA47_F233_A8FA_AB5F);
const PHYSICAL_SECTOR: Guid = guid(0xCDA3_48C7, 0x445D, 0x4471, 0x9CC9_E988_5251_C556);
const PARENT_LOCATOR: Guid = guid(0xA8D3_5F2D, 0xB30B, 0x454D, 0xABF7_D3D8_4834_AB0C);
/// An entry without which the file must not be opened: of a region, and of an item.
const REGION_REQUIRED: u64 = 1;
const ITEM_REQUIRED: u64 = 1 << 2;
/// The file parameters' bit for a disk that is based on another.
const HAS_PARENT: u64 = 1 << 1;

const fn guid(a: u32, b: u16, c: u16, rest: u64) -> Guid {
    let ([a0, a1, a2, a3], [b0, b1], [c0, c1]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    let [d0, d1, d2, d3, d4, d5, d6, d7] = rest.to_be_bytes();
    [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7]
}

/// Where the metadata begin.
pub(super) fn metadata_region(head: &[u8]) -> Result<u64, Danger> {
    let table = Bytes(Bytes(head).at(REGION_TABLE, 64 * 1024).ok_or(Danger::Damaged)?);
    expect(table.has(0, b"regi"))?;
    let count = table.little(8, 4)?;
    expect(count <= ENTRIES_MOST)?;
    let mut metadata = None;
    for index in 0..count {
        let at = 16 + 32 * index;
        let (start, length) = (table.little(at + 16, 8)?, table.little(at + 24, 4)?);
        expect(start >= MIB && start.is_multiple_of(MIB) && length > 0)?;
        if table.has(at, &METADATA) {
            expect(metadata.replace(start).is_none())?;
        } else if !table.has(at, &BLOCK_TABLE) && table.little(at + 28, 4)? & REGION_REQUIRED != 0 {
            return Err(Danger::UnknownFeatures);
        }
    }
    metadata.ok_or(Danger::Damaged)
}

pub(super) fn examine(window: &Window) -> Verdict {
    if let Err(danger) = metadata_region(&window.head).and_then(|start| expect(within(start, 0, window.size))) {
        return (None, Err(danger));
    }
    let metadata = Bytes(&window.metadata);
    let size = item(metadata, &DISK_SIZE, 8).and_then(|at| metadata.little(at, 8));
    (size.ok(), check(metadata, size))
}

fn check(metadata: Bytes, size: Result<u64, Danger>) -> Result<(), Danger> {
    for at in entries(metadata)? {
        if metadata.has(at, &PARENT_LOCATOR) {
            return Err(Danger::BackingFile);
        }
        let known = [&FILE_PARAMETERS, &DISK_SIZE, &DISK_ID, &LOGICAL_SECTOR, &PHYSICAL_SECTOR];
        let is_known = known.iter().any(|guid| metadata.has(at, *guid));
        if !is_known && metadata.little(at + 24, 4)? & ITEM_REQUIRED != 0 {
            return Err(Danger::UnknownFeatures);
        }
    }
    let parameters = item(metadata, &FILE_PARAMETERS, 8)?;
    if metadata.little(parameters + 4, 4)? & HAS_PARENT != 0 {
        return Err(Danger::BackingFile);
    }
    let block = metadata.little(parameters, 4)?;
    expect(block.is_power_of_two() && (MIB..=256 * MIB).contains(&block))?;
    size.map(|_| ())
}

/// Where the entries of the metadata table are.
fn entries(metadata: Bytes) -> Result<impl Iterator<Item = u64>, Danger> {
    expect(metadata.has(0, b"metadata"))?;
    let count = metadata.little(10, 2)?;
    expect(count <= ENTRIES_MOST && metadata.at(32, 32 * count).is_some())?;
    Ok((0..count).map(|index| 32 + 32 * index))
}

/// Where the item that `guid` names is; there is exactly one, of `length` bytes.
fn item(metadata: Bytes, guid: &Guid, length: u64) -> Result<u64, Danger> {
    let mut found = entries(metadata)?.filter(|at| metadata.has(*at, guid));
    let (Some(at), None) = (found.next(), found.next()) else { return Err(Danger::Damaged) };
    expect(metadata.little(at + 20, 4)? == length)?;
    metadata.little(at + 16, 4)
}
