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

use crate::error::DriverError;

mod disk;

pub use disk::{Backing, CacheMode, Disk, DiskBus, DiskFormat, DiskKey, next_target};

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

impl DomainSpec {
    /// Checks what every driver relies on: an id that is a UUID, distinct names and addresses, paths that fit.
    ///
    /// # Errors
    /// [`DriverError::InvalidSpec`] naming the first thing that is wrong.
    pub fn validate(&self) -> Result<(), DriverError> {
        crate::error::uuid_of(&self.server_id)?;
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

impl Interface {
    /// Whether the interface is among those that a guest has (address, tap).
    ///
    /// # Errors
    /// What is in the way when its address is on another tap.
    pub(crate) fn is_among<'a>(&self, mut present: impl Iterator<Item = (&'a str, &'a str)>) -> Result<bool, String> {
        match present.find(|(mac, _)| *mac == self.mac) {
            None => Ok(false),
            Some((_, tap)) if tap == self.tap => Ok(true),
            Some((mac, tap)) => Err(format!("{mac} is on tap {tap}")),
        }
    }
}

pub(crate) fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), DriverError> {
    if holds { Ok(()) } else { Err(DriverError::invalid(what())) }
}

pub(crate) fn absolute(path: &Path) -> Result<(), DriverError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_known_by_its_address() {
        let wanted =
            Interface { tap: "t".into(), mac: "fa:16:3e:00:00:01".into(), mtu: 1500, model: InterfaceModel::Virtio };
        assert_eq!(wanted.is_among([].into_iter()), Ok(false));
        assert_eq!(wanted.is_among([(wanted.mac.as_str(), "t")].into_iter()), Ok(true));
        assert!(wanted.is_among([(wanted.mac.as_str(), "u")].into_iter()).is_err());
    }

    #[test]
    fn an_interface_has_a_short_tap_and_a_plain_address() {
        let interface = |tap: &str, mac: &str| {
            Interface { tap: tap.into(), mac: mac.into(), mtu: 1500, model: InterfaceModel::Virtio }.validate()
        };
        assert!(interface("tap12345678-90", "fa:16:3e:00:00:01").is_ok());
        assert!(interface("a-tap-of-16-byte", "fa:16:3e:00:00:01").is_err());
        for mac in ["FA:16:3E:00:00:01", "fa:16:3e:00:00", "fa-16-3e-00-00-01", "fa:16:3e:00:00:1", ""] {
            assert!(interface("t", mac).is_err(), "{mac}");
        }
    }

    #[test]
    fn image_properties_name_machines_and_devices() {
        assert_eq!(Machine::from_property("pc-q35-9.2").unwrap(), Machine::Q35);
        assert_eq!(Machine::from_property("pc-i440fx-6.0").unwrap(), Machine::Pc);
        assert!(Machine::from_property("virt").is_err());
        assert_eq!(InterfaceModel::from_property("e1000e").unwrap(), InterfaceModel::E1000e);
        assert!(InterfaceModel::from_property("ne2k_pci").is_err());
    }

    #[test]
    fn a_domain_is_named_as_nova_names_it() {
        assert_eq!(domain_name(30), "instance-0000001e");
    }
}
