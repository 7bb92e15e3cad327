//! What a disk image is, by its own bytes, and whether it is safe to open.
//!
//! Pure: it looks at the first and the last bytes that somebody else read. Every image is looked at before
//! anything opens it: a format that can name other files (a qcow2's backing or data file, a VMDK's extents) would let
//! a guest read the host (the class of CVE-2024-32498), and a raw image that is taken for a qcow2 likewise.

use std::fmt;

/// How much of an image's beginning [`inspect`] wants.
pub const HEAD_BYTES: usize = 64 * 1024;
/// How much of an image's end [`inspect`] wants.
pub const TAIL_BYTES: usize = 512;

/// A disk image's format, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Nothing that is known: a raw disk.
    Raw,
    /// QEMU copy on write, version 2 or 3.
    Qcow2,
    /// QEMU enhanced disk. Never accepted.
    Qed,
    /// VMware.
    Vmdk,
    /// Hyper-V, old.
    Vhd,
    /// Hyper-V, new.
    Vhdx,
    /// VirtualBox.
    Vdi,
    /// ISO 9660.
    Iso,
    /// LUKS. Never accepted as it is.
    Luks,
}

impl Format {
    /// Glance's and QEMU's common name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vdi => "vdi",
            Self::Iso => "iso",
            Self::Luks => "luks",
        }
    }

    /// Whether an image that was declared `disk_format` may have this format.
    #[must_use]
    pub fn answers_to(self, disk_format: &str) -> bool {
        match disk_format {
            // A raw disk may hold anything that is no container of its own; a hybrid ISO is a raw disk too.
            "raw" => matches!(self, Self::Raw | Self::Iso),
            "ami" | "ari" | "aki" | "ploop" => self == Self::Raw,
            name => self.as_str() == name,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an image's bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its format.
    pub format: Format,
    /// The size of the disk in it, in bytes, where the format says so.
    pub virtual_size: Option<u64>,
    /// Why it must not be opened, if it must not.
    pub danger: Option<Danger>,
}

/// Why an image must not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Danger {
    /// It is based on another file.
    #[error("it has a backing file")]
    BackingFile,
    /// Its data are in another file.
    #[error("it has an external data file")]
    DataFile,
    /// It needs features that are not known here.
    #[error("it needs features that are not supported")]
    UnknownFeatures,
    /// It is a VMDK whose contents are in other files.
    #[error("its extents are in other files")]
    ForeignExtents,
    /// Its header contradicts itself or is cut off.
    #[error("its header is damaged")]
    Damaged,
    /// The format is not accepted at all.
    #[error("the format is not supported")]
    Unsupported,
}

/// Looks at an image of `size` bytes: `head` are its first bytes (up to [`HEAD_BYTES`]), `tail` its last ones (up to [`TAIL_BYTES`]).
#[must_use]
pub fn inspect(head: &[u8], tail: &[u8], size: u64) -> Inspection {
    if head.starts_with(b"QFI\xfb") {
        return qcow2(head);
    }
    let plain = |format, virtual_size| Inspection { format, virtual_size, danger: None };
    let refused = |format, danger| Inspection { format, virtual_size: None, danger: Some(danger) };
    if head.starts_with(b"QED\0") {
        refused(Format::Qed, Danger::Unsupported)
    } else if head.starts_with(b"LUKS\xba\xbe") {
        refused(Format::Luks, Danger::Unsupported)
    } else if head.starts_with(b"KDMV") {
        vmdk(head)
    } else if head.starts_with(b"# Disk DescriptorFile") {
        refused(Format::Vmdk, Danger::ForeignExtents)
    } else if head.starts_with(b"vhdxfile") {
        plain(Format::Vhdx, None)
    } else if at(head, 0x40, 4) == Some(&[0x7f, 0x10, 0xda, 0xbe]) {
        plain(Format::Vdi, little(head, 0x170, 8))
    } else if head.starts_with(b"conectix") {
        plain(Format::Vhd, big(head, 48, 8))
    } else if tail.starts_with(b"conectix") {
        plain(Format::Vhd, big(tail, 48, 8))
    } else if at(head, 0x8001, 5) == Some(b"CD001") {
        plain(Format::Iso, Some(size))
    } else {
        plain(Format::Raw, Some(size))
    }
}

/// The bits of a qcow2's incompatible features that are fine: dirty, corrupt (QEMU refuses it), compression type, extended L2.
const QCOW2_KNOWN: u64 = 0b11011;
/// The bit that says that the data are elsewhere.
const QCOW2_DATA_FILE: u64 = 0b100;

fn qcow2(head: &[u8]) -> Inspection {
    let virtual_size = big(head, 24, 8);
    let danger = match (big(head, 4, 4), big(head, 8, 8), virtual_size) {
        (Some(2 | 3), Some(backing), Some(_)) if backing != 0 => Some(Danger::BackingFile),
        (Some(2), Some(_), Some(_)) => None,
        (Some(3), Some(_), Some(_)) => match big(head, 72, 8) {
            Some(features) if features & QCOW2_DATA_FILE != 0 => Some(Danger::DataFile),
            Some(features) if features & !QCOW2_KNOWN != 0 => Some(Danger::UnknownFeatures),
            Some(_) => None,
            None => Some(Danger::Damaged),
        },
        _ => Some(Danger::Damaged),
    };
    Inspection { format: Format::Qcow2, virtual_size, danger }
}

fn vmdk(head: &[u8]) -> Inspection {
    const SECTOR: u64 = 512;
    let virtual_size = little(head, 12, 8).and_then(|sectors| sectors.checked_mul(SECTOR));
    let descriptor = || {
        let start = usize::try_from(little(head, 28, 8)?.checked_mul(SECTOR)?).ok()?;
        let length = usize::try_from(little(head, 36, 8)?.checked_mul(SECTOR)?).ok()?;
        let bytes = head.get(start..start.checked_add(length)?.min(head.len()))?;
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        Some(text.trim_end_matches('\0').to_owned())
    };
    let danger = match descriptor() {
        None => Some(Danger::Damaged),
        Some(text) => {
            let own = ["createtype=\"monolithicsparse\"", "createtype=\"streamoptimized\""];
            let safe = own.iter().any(|create_type| text.contains(create_type))
                && text.contains("parentcid=ffffffff")
                && text.lines().filter(|line| line.starts_with("rw ") || line.starts_with("rdonly ")).count() == 1
                && !text.contains("parentfilenamehint");
            (!safe).then_some(Danger::ForeignExtents)
        }
    };
    Inspection { format: Format::Vmdk, virtual_size, danger }
}

fn at(bytes: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(length)?)
}

fn big(bytes: &[u8], offset: usize, length: usize) -> Option<u64> {
    Some(at(bytes, offset, length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn little(bytes: &[u8], offset: usize, length: usize) -> Option<u64> {
    Some(at(bytes, offset, length)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Gathers an image's first and last bytes as it streams by.
#[derive(Debug, Default)]
pub struct Window {
    head: Vec<u8>,
    tail: Vec<u8>,
    size: u64,
}

impl Window {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend(bytes.iter().take(wanted));
        self.tail.extend(bytes.iter().skip(bytes.len().saturating_sub(TAIL_BYTES)));
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
        self.size += bytes.len() as u64;
    }

    /// How many bytes it was given.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What they say.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        inspect(&self.head, &self.tail, self.size)
    }
}

#[cfg(test)]
mod tests;
