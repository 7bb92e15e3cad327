//! What is read back from libvirt: a domain's devices and the host's capabilities.
//!
//! Only what is asked for is read; elements that are not named here do not matter.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use super::Unreadable;
use crate::capabilities::{CpuInfo, CpuTopology};
use crate::driver::Endpoint;

/// A domain's XML, as far as it matters.
#[derive(Debug, Deserialize)]
pub struct Domain {
    devices: Devices,
}

#[derive(Debug, Default, Deserialize)]
struct Text {
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Devices {
    #[serde(default)]
    disk: Vec<DiskElement>,
    #[serde(default)]
    interface: Vec<InterfaceElement>,
    #[serde(default)]
    serial: Vec<SerialElement>,
    #[serde(default)]
    graphics: Vec<GraphicsElement>,
    #[serde(default)]
    channel: Vec<ChannelElement>,
}

#[derive(Debug, Deserialize)]
struct DiskElement {
    #[serde(default)]
    source: Source,
    target: DiskTarget,
    #[serde(default)]
    serial: Text,
    #[serde(default)]
    alias: Alias,
}

#[derive(Debug, Default, Deserialize)]
struct Alias {
    #[serde(rename = "@name", default)]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Source {
    #[serde(rename = "@file")]
    file: Option<PathBuf>,
    #[serde(rename = "@dev")]
    dev: Option<PathBuf>,
    #[serde(rename = "@path")]
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct DiskTarget {
    #[serde(rename = "@dev")]
    dev: String,
}

#[derive(Debug, Deserialize)]
struct InterfaceElement {
    mac: Mac,
    target: Option<InterfaceTarget>,
    #[serde(default)]
    alias: Alias,
}

#[derive(Debug, Deserialize)]
struct Mac {
    #[serde(rename = "@address")]
    address: String,
}

#[derive(Debug, Deserialize)]
struct InterfaceTarget {
    #[serde(rename = "@dev", default)]
    dev: String,
}

#[derive(Debug, Deserialize)]
struct SerialElement {
    #[serde(default)]
    source: Source,
    log: Option<Log>,
}

#[derive(Debug, Deserialize)]
struct Log {
    #[serde(rename = "@file")]
    file: PathBuf,
}

#[derive(Debug, Deserialize)]
struct ChannelElement {
    target: ChannelTarget,
}

#[derive(Debug, Deserialize)]
struct ChannelTarget {
    #[serde(rename = "@name", default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct GraphicsElement {
    #[serde(rename = "@port", default)]
    port: i32,
    #[serde(default)]
    listen: Vec<Listen>,
}

#[derive(Debug, Deserialize)]
struct Listen {
    #[serde(rename = "@socket")]
    socket: Option<PathBuf>,
    #[serde(rename = "@address")]
    address: Option<IpAddr>,
}

/// A disk that a domain has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentDisk {
    /// Its name.
    pub target: String,
    /// Its serial number, or nothing.
    pub serial: String,
    /// Its file or block device.
    pub path: PathBuf,
    /// What libvirt calls the device while the domain runs; empty otherwise.
    pub alias: String,
}

/// An interface that a domain has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentInterface {
    /// Its MAC address.
    pub mac: String,
    /// Its tap.
    pub tap: String,
    /// What libvirt calls the device while the domain runs; empty otherwise.
    pub alias: String,
}

impl PresentDisk {
    /// Its name, serial number and path.
    pub fn parts(&self) -> (&str, &str, &Path) {
        (&self.target, &self.serial, &self.path)
    }
}

impl PresentInterface {
    /// Its address and tap.
    pub fn parts(&self) -> (&str, &str) {
        (&self.mac, &self.tap)
    }
}

impl Domain {
    /// Reads what `virDomainGetXMLDesc` answered.
    pub fn parse(xml: &str) -> Result<Self, Unreadable> {
        quick_xml::de::from_str(xml).map_err(|source| Unreadable { what: "domain", source })
    }

    /// Its disks, in the order of the XML.
    pub fn disks(&self) -> impl Iterator<Item = PresentDisk> + '_ {
        self.devices.disk.iter().map(|disk| PresentDisk {
            target: disk.target.dev.clone(),
            serial: disk.serial.text.clone(),
            path: disk.source.file.clone().or_else(|| disk.source.dev.clone()).unwrap_or_default(),
            alias: disk.alias.name.clone(),
        })
    }

    /// Its interfaces, in the order of the XML.
    pub fn interfaces(&self) -> impl Iterator<Item = PresentInterface> + '_ {
        self.devices.interface.iter().map(|interface| PresentInterface {
            mac: interface.mac.address.clone(),
            tap: interface.target.as_ref().map(|target| target.dev.clone()).unwrap_or_default(),
            alias: interface.alias.name.clone(),
        })
    }

    /// The file that the serial console is logged to.
    pub fn console_log(&self) -> Option<PathBuf> {
        self.devices.serial.iter().find_map(|serial| serial.log.as_ref()).map(|log| log.file.clone())
    }

    /// Where the serial console listens.
    pub fn serial(&self) -> Option<Endpoint> {
        self.devices.serial.iter().find_map(|serial| serial.source.path.clone()).map(Endpoint::Unix)
    }

    /// Whether the guest has a channel for its agent.
    pub fn has_agent(&self) -> bool {
        self.devices.channel.iter().any(|channel| channel.target.name == super::domain::AGENT_CHANNEL)
    }

    /// Where the graphical console listens: known of a running domain only.
    pub fn graphics(&self) -> Option<Endpoint> {
        let graphics = self.devices.graphics.first()?;
        let listen = graphics.listen.first()?;
        if let Some(socket) = &listen.socket {
            return Some(Endpoint::Unix(socket.clone()));
        }
        let port = u16::try_from(graphics.port).ok().filter(|port| *port > 0)?;
        listen.address.map(|address| Endpoint::Tcp(SocketAddr::new(address, port)))
    }
}

/// Our metadata element: whose a domain is, and which.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Mark {
    #[serde(rename = "@owner")]
    owner: String,
    #[serde(rename = "@server")]
    server: Uuid,
}

impl Mark {
    /// Whether the domain `uuid` with this mark is a guest of `owner`, and not a copy of one.
    pub fn is(&self, owner: &str, uuid: Uuid) -> bool {
        self.owner == owner && self.server == uuid
    }
}

/// The mark in our metadata element.
pub fn mark(element: &str) -> Option<Mark> {
    quick_xml::de::from_str(element).ok()
}

/// The host's capabilities, as far as they matter.
#[derive(Debug, Deserialize)]
pub struct HostCapabilities {
    host: Host,
    #[serde(default)]
    guest: Vec<Guest>,
}

#[derive(Debug, Deserialize)]
struct Host {
    cpu: Cpu,
    topology: Option<Topology>,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    arch: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    topology: CpuTopologyElement,
    #[serde(default)]
    feature: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
struct CpuTopologyElement {
    #[serde(rename = "@sockets", default)]
    sockets: u32,
    #[serde(rename = "@cores", default)]
    cores: u32,
    #[serde(rename = "@threads", default)]
    threads: u32,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "@name")]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Topology {
    cells: Cells,
}

#[derive(Debug, Deserialize)]
struct Cells {
    #[serde(rename = "@num", default)]
    num: u32,
}

#[derive(Debug, Deserialize)]
struct Guest {
    arch: GuestArch,
}

#[derive(Debug, Deserialize)]
struct GuestArch {
    #[serde(rename = "@name")]
    name: String,
    #[serde(default)]
    domain: Vec<GuestDomain>,
}

#[derive(Debug, Deserialize)]
struct GuestDomain {
    #[serde(rename = "@type")]
    kind: String,
}

impl HostCapabilities {
    /// Reads what `virConnectGetCapabilities` answered.
    pub fn parse(xml: &str) -> Result<Self, Unreadable> {
        quick_xml::de::from_str(xml).map_err(|source| Unreadable { what: "capabilities", source })
    }

    /// The host's CPU.
    pub fn cpu(&self) -> CpuInfo {
        let cpu = &self.host.cpu;
        CpuInfo {
            arch: cpu.arch.clone(),
            model: cpu.model.clone(),
            vendor: cpu.vendor.clone(),
            topology: CpuTopology {
                cells: self.host.topology.as_ref().map_or(1, |topology| topology.cells.num),
                sockets: cpu.topology.sockets,
                cores: cpu.topology.cores,
                threads: cpu.topology.threads,
            },
            features: cpu.feature.iter().map(|feature| feature.name.clone()).collect(),
        }
    }

    /// Whether an x86-64 guest of this kind (`kvm`, `qemu`) is offered.
    pub fn offers(&self, kind: &str) -> bool {
        let x86 = self.guest.iter().filter(|guest| guest.arch.name == "x86_64");
        x86.flat_map(|guest| &guest.arch.domain).any(|domain| domain.kind == kind)
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
