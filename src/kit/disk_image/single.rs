//! Formats with little to say.

use super::bytes::{Bytes, expect, within};
use super::{Danger, Verdict};

/// VirtualBox: <https://forums.virtualbox.org/viewtopic.php?t=8046> describes the header.
pub(super) fn vdi(head: Bytes, size: u64) -> Verdict {
    (head.little(0x170, 8).ok(), check_vdi(head, size))
}

fn check_vdi(head: Bytes, size: u64) -> Result<(), Danger> {
    if head.little(0x44, 4)? != 0x0001_0001 {
        return Err(Danger::UnknownFeatures);
    }
    // The ids of the disk that it continues, and of its parent.
    let alone = head.is_zero(424, 16) && head.is_zero(440, 16);
    match head.little(0x4c, 4)? {
        1 | 2 if alone => {}
        1..=4 => return Err(Danger::BackingFile),
        _ => return Err(Danger::UnknownFeatures),
    }
    let (disk, block, blocks) = (head.little(0x170, 8)?, head.little(376, 4)?, head.little(384, 4)?);
    expect(block.is_power_of_two() && block >= 512 && head.little(360, 4)? == 512)?;
    expect(blocks.saturating_mul(block) >= disk)?;
    let (map, data) = (head.little(340, 4)?, head.little(344, 4)?);
    expect(within(map, blocks * 4, size) && map >= 456 && data >= map)
}

/// QEMU's short-lived format: may be based on another file, and nobody needs it.
pub(super) fn qed(head: Bytes) -> Verdict {
    let backed = head.little(16, 8).is_ok_and(|features| features & 1 != 0);
    (head.little(48, 8).ok(), Err(if backed { Danger::BackingFile } else { Danger::Unsupported }))
}

/// A disk for `cryptsetup`; the payload's start of version 1 is in sectors.
pub(super) fn luks(head: Bytes, size: u64) -> Verdict {
    let payload = head.big(6, 2).and_then(|version| if version == 1 { head.big(104, 4) } else { Err(Danger::Damaged) });
    (payload.ok().and_then(|sectors| size.checked_sub(sectors * 512)), Err(Danger::Encrypted))
}

/// Parallels: the size in sectors; extensions may name anything, and the flag that it was not closed is no harm.
pub(super) fn ploop(head: Bytes) -> Verdict {
    let size = head.little(36, 8).ok().and_then(|sectors| sectors.checked_mul(512));
    let check = || {
        if head.little(16, 4)? != 2 {
            return Err(Danger::UnknownFeatures);
        }
        expect(size.is_some() && head.little(28, 4)? != 0)?;
        if head.little(56, 8)? == 0 { Ok(()) } else { Err(Danger::UnknownFeatures) }
    };
    (size, check())
}
