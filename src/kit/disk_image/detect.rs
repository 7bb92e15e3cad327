//! Which format an image is, among all that it could be taken for.

use super::bytes::Bytes;
use super::{Danger, Format, Inspection, Window, qcow2, single, vhd, vhdx, vmdk};

pub(super) fn inspect(window: &Window) -> Inspection {
    let head = Bytes(&window.head);
    let mut found = Format::CONTAINERS.iter().copied().filter(|format| looks_like(*format, window));
    let Some(format) = found.next() else {
        return Inspection { format: Format::Raw, virtual_size: Some(window.size), danger: None };
    };
    let (virtual_size, verdict) = examine(format, window);
    let disk_too = is_partitioned(head) && !begins_as_a_disk(format, window);
    let verdict = if found.next().is_some() || disk_too { Err(Danger::Polyglot) } else { verdict };
    Inspection { format, virtual_size, danger: verdict.err() }
}

impl Format {
    /// All that is known by its bytes.
    const CONTAINERS: &[Self] =
        &[Self::Qcow2, Self::Qed, Self::Luks, Self::Vmdk, Self::Vhdx, Self::Vdi, Self::Ploop, Self::Vhd, Self::Iso];
}

fn looks_like(format: Format, window: &Window) -> bool {
    let head = Bytes(&window.head);
    match format {
        Format::Raw => false,
        Format::Qcow2 => head.has(0, b"QFI\xfb"),
        Format::Qed => head.has(0, b"QED\0"),
        Format::Luks => head.has(0, b"LUKS\xba\xbe"),
        Format::Vmdk => vmdk::looks_like(head),
        Format::Vhdx => head.has(0, vhdx::MAGIC),
        Format::Vdi => head.has(0x40, &[0x7f, 0x10, 0xda, 0xbe]),
        Format::Ploop => head.has(0, b"WithoutFreeSpace") || head.has(0, b"WithouFreSpacExt"),
        Format::Vhd => vhd::footer(window).is_some(),
        Format::Iso => [b"CD001", b"NSR02", b"NSR03"].iter().any(|magic| head.has(0x8001, *magic)),
    }
}

fn examine(format: Format, window: &Window) -> super::Verdict {
    let head = Bytes(&window.head);
    match format {
        Format::Qcow2 => qcow2::examine(head, window.size),
        Format::Vmdk => vmdk::examine(head, Bytes(&window.tail)),
        Format::Vhd => vhd::examine(window),
        Format::Vhdx => vhdx::examine(window),
        Format::Vdi => single::vdi(head, window.size),
        Format::Qed => single::qed(head),
        Format::Luks => single::luks(head, window.size),
        Format::Ploop => single::ploop(head),
        Format::Raw | Format::Iso => (Some(window.size), Ok(())),
    }
}

/// A hybrid ISO begins with a partition table so that it boots from a stick; a fixed VHD is a disk with a footer.
fn begins_as_a_disk(format: Format, window: &Window) -> bool {
    match format {
        Format::Iso => true,
        Format::Vhd => !Bytes(&window.head).has(0, vhd::MAGIC),
        _ => false,
    }
}

/// Whether there is an MBR or a GPT that firmware would take for one.
fn is_partitioned(head: Bytes) -> bool {
    if head.has(512, b"EFI PART") {
        return true;
    }
    let entries: Vec<&[u8]> = (0..4).filter_map(|index| head.at(446 + 16 * index, 16)).collect();
    let plausible = |entry: &&[u8]| matches!(entry.first(), Some(0 | 0x80));
    let used = |entry: &&[u8]| entry.get(4).is_some_and(|kind| *kind != 0);
    head.has(510, &[0x55, 0xaa]) && entries.iter().all(plausible) && entries.iter().any(used)
}
