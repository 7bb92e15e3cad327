//! What a disk image is, by its own bytes, and whether it is safe to open.
//!
//! Every image is looked at before anything opens it: a format that can name other files (a qcow2's backing or data file, a
//! VMDK's extents) would let a guest read the host (the class of CVE-2024-32498), and a raw image that is taken for a qcow2
//! likewise. What is two formats at once is refused: which of them another program sees cannot be known.
//!
//! * [`Window`] gathers what is needed as the bytes stream by, with bounded memory, or from a file; [`Inspection`] is what it says.
//! * The rules of each format are pure functions over those bytes, one file each. Headers are never trusted: an offset is
//!   looked up in what was gathered, and what is not there is damage.
//! * [`Inspection::judge`] is the one place that says whether an image is accepted.

mod bytes;
mod detect;
mod qcow2;
mod single;
pub mod testing;
mod vhd;
mod vhdx;
mod vmdk;
mod window;

use std::fmt;

pub use self::window::Window;

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
    /// ISO 9660, or UDF.
    Iso,
    /// LUKS. Never accepted as it is.
    Luks,
    /// Parallels and Virtuozzo.
    Ploop,
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
            Self::Ploop => "ploop",
        }
    }

    /// Whether an image that was declared `disk_format` may have this format.
    #[must_use]
    pub fn answers_to(self, disk_format: &str) -> bool {
        match disk_format {
            // A raw disk may hold anything that is no container of its own; a hybrid ISO is a raw disk too.
            "raw" => matches!(self, Self::Raw | Self::Iso),
            "ami" | "ari" | "aki" => self == Self::Raw,
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

impl Inspection {
    /// Whether it may be used as what it was declared to be, with a disk of at most `max_virtual_size` bytes.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, declared: &str, max_virtual_size: u64) -> Result<(), Objection> {
        if !self.format.answers_to(declared) {
            return Err(Objection::OtherFormat { declared: declared.to_owned(), found: self.format });
        }
        if let Some(danger) = self.danger {
            return Err(Objection::Danger(danger));
        }
        match self.virtual_size {
            Some(size) if size > max_virtual_size => Err(Objection::TooLarge { size, limit: max_virtual_size }),
            _ => Ok(()),
        }
    }
}

/// Why an image is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is something else.
    #[error("{}", other_format(.declared, *.found))]
    OtherFormat {
        /// What it was declared to be.
        declared: String,
        /// What it is.
        found: Format,
    },
    /// It must not be opened.
    #[error(transparent)]
    Danger(#[from] Danger),
    /// The disk in it is too large.
    #[error("its disk of {size} bytes is larger than the {limit} bytes that are allowed")]
    TooLarge {
        /// How large, in bytes.
        size: u64,
        /// The most, in bytes.
        limit: u64,
    },
}

fn other_format(declared: &str, found: Format) -> String {
    match found {
        Format::Raw => format!("it is not in the declared format {declared}"),
        _ => format!("it is {found}, not {declared} as declared"),
    }
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
    /// It is encrypted, and nobody here has the key.
    #[error("it is encrypted")]
    Encrypted,
    /// It is more than one format at once.
    #[error("it is several formats at once")]
    Polyglot,
    /// Its header contradicts itself or is cut off.
    #[error("its header is damaged")]
    Damaged,
    /// The format is not accepted at all.
    #[error("the format is not supported")]
    Unsupported,
}

/// What a format's rules say: the size of the disk, and what is wrong.
type Verdict = (Option<u64>, Result<(), Danger>);

#[cfg(test)]
mod tests;
