//! What a guest is made of, in the terms of no hypervisor in particular.
//!
//! A [`DomainSpec`] is complete: it names every file, tap and socket by path, and the driver adds nothing
//! of its own but the emulator. Whoever makes it (the compute agent) owns those files: the driver neither
//! creates nor removes disks, taps or directories. The serial console's log and the sockets are made by
//! the hypervisor when the guest starts, in directories that must exist by then.
//!
//! Formats are explicit everywhere. A disk whose format would be probed is how a raw image becomes a qcow2
//! with a backing file of its writer's choice, so there is no way to say "auto" here.

use std::path::{Path, PathBuf};

use kit::ids::ServerId;
use serde::{Deserialize, Serialize};

use crate::driver::DriverError;

/// The longest path that fits in `sockaddr_un` with its closing zero.
pub const SOCKET_PATH_MAX: usize = 107;

/// A guest, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSpec {
    /// The server that this is; its UUID is the domain's.
    pub server_id: ServerId,
    /// The domain's name: `instance-0000001e` in Nova's default form ([`domain_name`]). Unique on the host.
    pub name: String,
    /// What tools on the host can read about the server. Never used to decide anything.
    pub metadata: Metadata,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory, in MiB.
    pub memory_mb: u64,
    /// The chipset.
    pub machine: Machine,
    /// Disks and CD-ROMs, in any order: [`Disk::boot_order`] says what is booted.
    pub disks: Vec<Disk>,
    /// Network interfaces, in the order in which the guest should see them.
    pub interfaces: Vec<Interface>,
    /// Where the serial console goes.
    pub console: Console,
    /// Where the graphical console listens. None: the guest has no display.
    pub vnc: Option<Vnc>,
    /// The host's end of the guest agent's channel. None: no channel.
    pub agent_socket: Option<PathBuf>,
    /// A virtio random number generator fed from the host's `/dev/urandom`.
    pub rng: bool,
}

/// What a tool that looks at the host's domains can read about the server: Nova's own metadata element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The server's name as its user knows it.
    pub display_name: String,
    /// The flavor's name.
    pub flavor_name: String,
    /// The project's id.
    pub project_id: String,
    /// The user's id.
    pub user_id: String,
    /// The image that the server was made from; empty when it boots from a volume.
    pub image_id: String,
}

/// The chipset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// PCI Express, hot-plug of disks and interfaces through root ports. What new guests get.
    #[default]
    Q35,
    /// The i440FX of 1996, for images that ask for it (`hw_machine_type=pc`).
    Pc,
}

impl Machine {
    /// What the image property `hw_machine_type` asks for: `q35`, `pc`, or a versioned name of either.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] for any other machine.
    pub fn from_property(value: &str) -> Result<Self, DriverError> {
        match value {
            "pc" => Ok(Self::Pc),
            "q35" => Ok(Self::Q35),
            versioned if versioned.starts_with("pc-q35-") => Ok(Self::Q35),
            versioned if versioned.starts_with("pc-i440fx-") => Ok(Self::Pc),
            other => Err(DriverError::invalid(format!("machine type {other} is not supported"))),
        }
    }
}

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

/// A network interface on a tap that exists already: the network agent makes it, names it and wires it,
/// the hypervisor only opens it, and leaves it behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The tap's name on the host, at most 15 characters.
    pub tap: String,
    /// The guest's MAC address: six pairs of lower-case hexadecimal digits with colons. Unique in the guest:
    /// interfaces are told apart by it.
    pub mac: String,
    /// What the guest is told about the MTU (virtio only).
    pub mtu: u32,
    /// The device that the guest sees.
    pub model: InterfaceModel,
}

/// The network device that the guest sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InterfaceModel {
    /// virtio-net.
    #[default]
    Virtio,
    /// Intel 82540EM.
    E1000,
    /// Intel 82574L.
    E1000e,
    /// Realtek 8139.
    Rtl8139,
}

impl InterfaceModel {
    /// What the image property `hw_vif_model` asks for.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] for any other device.
    pub fn from_property(value: &str) -> Result<Self, DriverError> {
        match value {
            "virtio" => Ok(Self::Virtio),
            "e1000" => Ok(Self::E1000),
            "e1000e" => Ok(Self::E1000e),
            "rtl8139" => Ok(Self::Rtl8139),
            other => Err(DriverError::invalid(format!("network device {other} is not supported"))),
        }
    }

    /// The name that libvirt knows it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::E1000 => "e1000",
            Self::E1000e => "e1000e",
            Self::Rtl8139 => "rtl8139",
        }
    }
}

/// Where the serial console goes: always to the log, and to whoever connects to the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Console {
    /// The file that everything the guest prints is appended to, over its restarts.
    pub log: PathBuf,
    /// The unix socket that QEMU listens on: one client at a time.
    pub socket: PathBuf,
}

/// Where the graphical console listens. Nothing but this host can reach either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vnc {
    /// A unix socket, made when the guest starts.
    Unix(PathBuf),
    /// A free port of 127.0.0.1, picked when the guest starts.
    Loopback,
}

/// The domain's name in Nova's default form, for the `number`th server of the cloud.
#[must_use]
pub fn domain_name(number: u64) -> String {
    format!("instance-{number:08x}")
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

impl DomainSpec {
    /// Checks what every driver relies on: an id that is a UUID, distinct names and addresses, paths that fit.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] naming the first thing that is wrong.
    pub fn validate(&self) -> Result<(), DriverError> {
        crate::driver::uuid_of(&self.server_id)?;
        require(!self.name.is_empty() && !self.name.contains('/'), || format!("domain name {:?}", self.name))?;
        require(self.vcpus > 0, || "no virtual CPU".to_owned())?;
        require(self.memory_mb > 0, || "no memory".to_owned())?;
        for disk in &self.disks {
            disk.validate()?;
            require(!(disk.bus == DiskBus::Ide && self.machine == Machine::Q35), || "IDE disk on q35".to_owned())?;
        }
        for interface in &self.interfaces {
            interface.validate()?;
        }
        distinct("disk", self.disks.iter().map(|disk| disk.target.as_str()))?;
        let serials = self.disks.iter().map(|disk| disk.serial.as_str()).filter(|serial| !serial.is_empty());
        distinct("serial", serials)?;
        distinct("MAC address", self.interfaces.iter().map(|interface| interface.mac.as_str()))?;
        absolute(&self.console.log)?;
        socket_path(&self.console.socket)?;
        if let Some(Vnc::Unix(path)) = &self.vnc {
            socket_path(path)?;
        }
        self.agent_socket.as_deref().map_or(Ok(()), socket_path)
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

impl Interface {
    /// Checks what every driver relies on.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] naming the first thing that is wrong.
    pub fn validate(&self) -> Result<(), DriverError> {
        require((1..=15).contains(&self.tap.len()), || format!("tap name {:?}", self.tap))?;
        let pairs: Vec<&str> = self.mac.split(':').collect();
        let hex = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        require(pairs.len() == 6 && pairs.iter().all(hex), || format!("MAC address {:?}", self.mac))
    }
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), DriverError> {
    if holds { Ok(()) } else { Err(DriverError::invalid(what())) }
}

fn absolute(path: &Path) -> Result<(), DriverError> {
    require(path.is_absolute() && path.to_str().is_some(), || format!("path {path:?} is not absolute UTF-8"))
}

fn socket_path(path: &Path) -> Result<(), DriverError> {
    absolute(path)?;
    require(path.as_os_str().len() <= SOCKET_PATH_MAX, || {
        format!("socket path {path:?} is longer than {SOCKET_PATH_MAX} bytes: choose a shorter data directory")
    })
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), DriverError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        require(seen.insert(name), || format!("{what} {name} twice"))?;
    }
    Ok(())
}
