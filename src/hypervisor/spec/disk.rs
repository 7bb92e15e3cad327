//! Disks and CD-ROMs: what they are on the host, how they are attached, what they are called.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Machine, absolute, require};
use crate::error::DriverError;

/// What a guest's disk is on the host: the only formats that a guest may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskFormat {
    /// The bytes as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

impl DiskFormat {
    /// The name that QEMU and libvirt know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskBus {
    /// `vda`, …
    #[default]
    Virtio,
    /// virtio-scsi: `sda`, …
    Scsi,
    /// AHCI: `sda`, … The bus of CD-ROMs on q35. Cannot be hot-plugged.
    Sata,
    /// `hda`, … Only on [`Machine::Pc`]. Cannot be hot-plugged.
    Ide,
}

impl DiskBus {
    /// What the image properties `hw_disk_bus` and `hw_cdrom_bus` ask for. On q35 there is no IDE: SATA takes
    /// its place, as guests that know the one know the other.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] for any other bus.
    pub fn from_property(value: &str, machine: Machine) -> Result<Self, DriverError> {
        match (value, machine) {
            ("virtio", _) => Ok(Self::Virtio),
            ("scsi", _) => Ok(Self::Scsi),
            ("sata", _) | ("ide", Machine::Q35) => Ok(Self::Sata),
            ("ide", Machine::Pc) => Ok(Self::Ide),
            (other, _) => Err(DriverError::invalid(format!("disk bus {other} is not supported"))),
        }
    }

    /// The name that libvirt knows it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::Scsi => "scsi",
            Self::Sata => "sata",
            Self::Ide => "ide",
        }
    }

    /// What the names of its disks begin with: `vd`, `sd` or `hd`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Virtio => "vd",
            Self::Scsi | Self::Sata => "sd",
            Self::Ide => "hd",
        }
    }

    /// Whether a disk can come and go while the guest runs.
    #[must_use]
    pub const fn hotpluggable(self) -> bool {
        matches!(self, Self::Virtio | Self::Scsi)
    }
}

/// Whether the host caches what the guest writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// Past the host's page cache (`O_DIRECT`): Nova's choice wherever the file system can.
    #[default]
    None,
    /// Through the page cache, written before the guest hears of it: where `O_DIRECT` does not work.
    Writethrough,
    /// Through the page cache; a flush of the guest is a flush of the host.
    Writeback,
    /// Flushes are ignored: for disks that may be lost with the host, such as tests'.
    Unsafe,
}

impl CacheMode {
    /// The name that libvirt knows it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Writethrough => "writethrough",
            Self::Writeback => "writeback",
            Self::Unsafe => "unsafe",
        }
    }
}

/// The file that an overlay lies on. Written into the domain, so that libvirt need not probe it either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backing {
    /// The file; read-only to every guest.
    pub path: PathBuf,
    /// Its format.
    pub format: DiskFormat,
}

/// A disk or a CD-ROM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The file or block device.
    pub path: PathBuf,
    /// Its format.
    pub format: DiskFormat,
    /// What it lies on, for an overlay; a backing file has none of its own.
    pub backing: Option<Backing>,
    /// How it is attached.
    pub bus: DiskBus,
    /// Its name, unique in the guest: `vda`, `sda`, … ([`next_target`]).
    pub target: String,
    /// What the guest reads as its serial number: a volume's UUID. Empty: none.
    /// The guest sees the first 20 characters on virtio.
    pub serial: String,
    /// Whether the guest may write.
    pub read_only: bool,
    /// A CD-ROM, such as the config drive; always read-only.
    pub cdrom: bool,
    /// Its place in the boot order, from 1. None: not booted from.
    pub boot_order: Option<u32>,
    /// Whether the host caches.
    pub cache: CacheMode,
}

impl Disk {
    /// A writable disk without serial number, backing file or place in the boot order.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, format: DiskFormat, bus: DiskBus, target: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            format,
            backing: None,
            bus,
            target: target.into(),
            serial: String::new(),
            read_only: false,
            cdrom: false,
            boot_order: None,
            cache: CacheMode::default(),
        }
    }
}

/// Which of a guest's disks is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskKey {
    /// The one with this serial number: a volume's UUID.
    Serial(String),
    /// The one at this name: `vdb`.
    Target(String),
}

impl DiskKey {
    /// Whether a disk of this name and serial number is the one.
    #[must_use]
    pub fn matches(&self, target: &str, serial: &str) -> bool {
        match self {
            Self::Serial(wanted) => !wanted.is_empty() && wanted == serial,
            Self::Target(wanted) => wanted == target,
        }
    }
}

impl std::fmt::Display for DiskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "disk with serial {serial}"),
            Self::Target(target) => write!(f, "disk {target}"),
        }
    }
}

impl Disk {
    /// Checks what every driver relies on.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] naming the first thing that is wrong.
    pub fn validate(&self) -> Result<(), DriverError> {
        absolute(&self.path)?;
        if let Some(backing) = &self.backing {
            absolute(&backing.path)?;
            require(self.format == DiskFormat::Qcow2, || "a raw disk with a backing file".to_owned())?;
        }
        let letters = self.target.strip_prefix(self.bus.prefix()).unwrap_or_default();
        let named = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_lowercase());
        require(named, || format!("{} disk named {:?}", self.bus.as_str(), self.target))?;
        require(!(self.cdrom && self.bus == DiskBus::Virtio), || "a CD-ROM on virtio".to_owned())?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        require(self.serial.bytes().all(plain), || format!("serial {:?}", self.serial))
    }
}

impl Disk {
    /// Whether the disk is among those that a guest has (name, serial number, path): known by its serial number
    /// or, without one, by its place.
    ///
    /// # Errors
    /// What is in the way when another disk has its serial number or its place.
    pub(crate) fn is_among<'a>(
        &self,
        present: impl Iterator<Item = (&'a str, &'a str, &'a Path)> + Clone,
    ) -> Result<bool, String> {
        let by_serial = present.clone().find(|(_, serial, _)| !self.serial.is_empty() && *serial == self.serial);
        let by_target = || present.clone().find(|(target, _, _)| *target == self.target);
        match by_serial.or_else(by_target) {
            None => Ok(false),
            Some((_, serial, path)) if path == self.path && serial == self.serial => Ok(true),
            Some((target, _, _)) => Err(format!("{target} has another disk")),
        }
    }
}

/// The first name on `bus` that is not in `used`: `vda` … `vdz`, `vdaa` …
#[must_use]
pub fn next_target<'a>(bus: DiskBus, used: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let mut index = 0;
    loop {
        let name = format!("{}{}", bus.prefix(), letters(index));
        if used.clone().into_iter().all(|taken| taken != name) {
            return name;
        }
        index += 1;
    }
}

/// `a` … `z`, `aa` … as disks are counted.
fn letters(mut index: u32) -> String {
    let mut text = Vec::new();
    loop {
        let letter = u8::try_from(index % 26).unwrap_or(0);
        text.push(char::from(b'a' + letter));
        match (index / 26).checked_sub(1) {
            Some(rest) => index = rest,
            None => return text.iter().rev().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disk_is_known_by_its_serial_and_by_its_place() {
        let mut wanted = Disk::new("/v", DiskFormat::Raw, DiskBus::Virtio, "vdb");
        wanted.serial = "s".to_owned();
        let among = |target, serial, path| wanted.is_among([(target, serial, Path::new(path))].into_iter());
        assert_eq!(among("vda", "", "/root"), Ok(false));
        assert_eq!(among("vdb", "s", "/v"), Ok(true));
        assert_eq!(among("vdc", "s", "/v"), Ok(true));
        assert!(among("vdb", "", "/v").is_err());
        assert!(among("vdb", "s", "/other").is_err());
        assert!(among("vdc", "s", "/other").is_err());
    }

    #[test]
    fn names_go_on_after_z() {
        let used: Vec<String> = ('a'..='z').map(|letter| format!("vd{letter}")).collect();
        let names = || used.iter().map(String::as_str);
        assert_eq!(next_target(DiskBus::Virtio, names()), "vdaa");
        assert_eq!(next_target(DiskBus::Virtio, names().skip(1)), "vda");
        assert_eq!(next_target(DiskBus::Sata, names()), "sda");
        assert_eq!(letters(26 + 26 * 26), "aaa");
    }

    proptest! {
        #[test]
        fn every_name_is_valid_and_new(count in 0_usize..80) {
            let mut used: Vec<String> = Vec::new();
            for _ in 0..count {
                let next = next_target(DiskBus::Scsi, used.iter().map(String::as_str));
                prop_assert!(Disk::new("/d", DiskFormat::Raw, DiskBus::Scsi, next.clone()).validate().is_ok());
                prop_assert!(!used.contains(&next));
                used.push(next);
            }
        }
    }

    #[test]
    fn a_raw_disk_has_no_backing_file_and_virtio_no_cdrom() {
        let mut disk = Disk::new("/d", DiskFormat::Raw, DiskBus::Virtio, "vda");
        disk.backing = Some(Backing { path: "/b".into(), format: DiskFormat::Raw });
        assert!(disk.validate().is_err());
        disk.format = DiskFormat::Qcow2;
        assert!(disk.validate().is_ok());
        disk.cdrom = true;
        assert!(disk.validate().is_err());
    }

    #[test]
    fn image_properties_name_buses() {
        assert_eq!(DiskBus::from_property("ide", Machine::Q35).unwrap(), DiskBus::Sata);
        assert_eq!(DiskBus::from_property("ide", Machine::Pc).unwrap(), DiskBus::Ide);
        assert!(DiskBus::from_property("fdc", Machine::Q35).is_err());
    }
}
