//! qcow2, versions 2 and 3: <https://www.qemu.org/docs/master/interop/qcow2.html>.

use super::bytes::{Bytes, expect, within};
use super::{Danger, Verdict};

/// The bit of the incompatible features that says that QEMU has found it corrupt.
const CORRUPT: u64 = 1 << 1;
/// That the data are elsewhere.
const DATA_FILE: u64 = 1 << 2;
/// That clusters are compressed otherwise than with zlib.
const COMPRESSION: u64 = 1 << 3;
/// That clusters have subclusters.
const EXTENDED_L2: u64 = 1 << 4;
/// What else is fine: that it was not closed.
const DIRTY: u64 = 1;
const KNOWN: u64 = DIRTY | COMPRESSION | EXTENDED_L2;

/// The header extension that names an external data file.
const DATA_FILE_NAME: u64 = 0x4441_5441;
/// QEMU's own limits: the first-level table, the refcount table (both in bytes), snapshots.
const L1_MOST: u64 = 32 << 20;
const REFCOUNT_TABLE_MOST: u64 = 8 << 20;
const SNAPSHOTS_MOST: u64 = 65_536;

pub(super) fn examine(head: Bytes, size: u64) -> Verdict {
    (head.big(24, 8).ok(), check(head, size))
}

fn check(head: Bytes, size: u64) -> Result<(), Danger> {
    let version = head.big(4, 4)?;
    if !matches!(version, 2 | 3) {
        return Err(Danger::UnknownFeatures);
    }
    if head.big(8, 8)? != 0 {
        return Err(Danger::BackingFile);
    }
    let features = if version == 3 { head.big(72, 8)? } else { 0 };
    check_features(features)?;
    match head.big(32, 4)? {
        0 => {}
        1 | 2 => return Err(Danger::Encrypted),
        _ => return Err(Danger::UnknownFeatures),
    }
    let cluster_bits = head.big(20, 4)?;
    expect((9..=21).contains(&cluster_bits))?;
    let cluster = 1 << cluster_bits;
    let header = if version == 3 { header_length(head, features, cluster)? } else { 72 };
    check_extensions(head, header, cluster)?;
    check_tables(head, features, cluster, size)
}

fn check_features(features: u64) -> Result<(), Danger> {
    match features {
        _ if features & DATA_FILE != 0 => Err(Danger::DataFile),
        _ if features & CORRUPT != 0 => Err(Danger::Damaged),
        _ if features & !KNOWN != 0 => Err(Danger::UnknownFeatures),
        _ => Ok(()),
    }
}

fn header_length(head: Bytes, features: u64, cluster: u64) -> Result<u64, Danger> {
    let length = head.big(100, 4)?;
    expect(length >= 104 && length <= cluster)?;
    // Refcounts of up to 64 bits.
    expect(head.big(96, 4)? <= 6)?;
    let compression = if length > 104 { head.big(104, 1)? } else { 0 };
    if compression > 1 {
        return Err(Danger::UnknownFeatures);
    }
    expect((compression != 0) == (features & COMPRESSION != 0))?;
    Ok(length)
}

fn check_extensions(head: Bytes, start: u64, cluster: u64) -> Result<(), Danger> {
    let mut at = start;
    while at.saturating_add(8) <= cluster {
        let (kind, length) = (head.big(at, 4)?, head.big(at + 4, 4)?);
        match kind {
            0 => return Ok(()),
            DATA_FILE_NAME => return Err(Danger::DataFile),
            _ => {}
        }
        at = at.saturating_add(8).saturating_add(length.next_multiple_of(8));
        expect(at <= cluster)?;
    }
    Ok(())
}

/// Whether the tables are where and as large as they can be.
fn check_tables(head: Bytes, features: u64, cluster: u64, size: u64) -> Result<(), Danger> {
    let disk = head.big(24, 8)?;
    expect(disk <= i64::MAX.unsigned_abs())?;
    let entry = if features & EXTENDED_L2 != 0 { 16 } else { 8 };
    expect(entry == 8 || cluster >= 1 << 14)?;
    let covered = u128::from(cluster) * u128::from(cluster / entry);
    let (l1_entries, l1_offset) = (head.big(36, 4)?, head.big(40, 8)?);
    expect(u128::from(l1_entries) * covered >= u128::from(disk))?;
    expect(l1_entries * 8 <= L1_MOST)?;
    let aligned = |offset: u64| offset != 0 && offset.is_multiple_of(cluster);
    expect(l1_entries == 0 || (aligned(l1_offset) && within(l1_offset, l1_entries * 8, size)))?;
    let (refcounts, clusters) = (head.big(48, 8)?, head.big(56, 4)?);
    expect(clusters > 0 && clusters.saturating_mul(cluster) <= REFCOUNT_TABLE_MOST.max(cluster))?;
    expect(aligned(refcounts) && refcounts < size)?;
    let (snapshots, snapshot_table) = (head.big(60, 4)?, head.big(64, 8)?);
    expect(snapshots == 0 || (snapshots <= SNAPSHOTS_MOST && aligned(snapshot_table) && snapshot_table < size))
}
