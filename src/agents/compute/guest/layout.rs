//! A guest's disks: which there are, on which bus, under which name, in which boot order. Pure.
//!
//! The order is Nova's: the root, ephemeral disks, swap, volumes, the config drive. A name that was asked for is kept
//! where the bus allows it; the others get the first free one. The bus is the mapping's own, else the one that its name
//! implies, else the image's `hw_disk_bus`, else virtio.
//!
//! The config drive is a disk on virtio, unless the image names a bus for CD-ROMs: Nova's default, a CD-ROM on the
//! chipset's own controller, is not seen by kernels for clouds, which have no driver for that (Debian's, for one). As
//! Nova's disks of this kind it has the last name of its bus, out of the way of volumes that come later.

use std::collections::{BTreeMap, BTreeSet};

use bus::topics::compute_types::{BlockDestination, BlockDevice, BlockSource, Instance};
use hypervisor::{DiskBus, DriverError, Machine, next_target};

/// What a disk holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The overlay on the image.
    Root,
    /// An empty local disk.
    Ephemeral {
        /// Its number, from 0.
        index: usize,
        /// Its size in GiB.
        size_gb: u64,
    },
    /// A swap disk.
    Swap {
        /// Its size in MiB.
        size_mb: u64,
    },
    /// A volume.
    Volume,
    /// The config drive.
    ConfigDrive,
}

impl Content {
    /// The name of its file in the guest's directory; none for volumes.
    pub fn file(&self) -> Option<String> {
        match self {
            Self::Root => Some("disk".to_owned()),
            Self::Ephemeral { index, .. } => Some(format!("disk.eph{index}")),
            Self::Swap { .. } => Some("disk.swap".to_owned()),
            Self::ConfigDrive => Some("disk.config".to_owned()),
            Self::Volume => None,
        }
    }
}

/// One disk and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The mapping's number; none for the config drive.
    pub block_device: Option<i64>,
    /// What is in it.
    pub content: Content,
    /// The bus.
    pub bus: DiskBus,
    /// `vda`, ….
    pub target: String,
    /// Whether it is a CD-ROM.
    pub cdrom: bool,
    /// Its place in the boot order, from 1.
    pub boot_order: Option<u32>,
}

impl Place {
    /// `/dev/vda`, ….
    pub fn device_name(&self) -> String {
        format!("/dev/{}", self.target)
    }
}

/// The chipset that an image with `properties` asks for.
///
/// # Errors
/// Where there is no such chipset.
pub(crate) fn machine(properties: &BTreeMap<String, String>) -> Result<Machine, DriverError> {
    properties.get("hw_machine_type").map_or(Ok(Machine::default()), |value| Machine::from_property(value))
}

/// The disks of `instance`, made of an image with `properties`.
///
/// # Errors
/// Where the image asks for what there is not.
pub(crate) fn layout(instance: &Instance, properties: &BTreeMap<String, String>) -> Result<Vec<Place>, DriverError> {
    let machine = machine(properties)?;
    let mut wanted = disks(instance)
        .into_iter()
        .map(|(device, content)| Wanted::new(device, content, machine, properties))
        .collect::<Result<Vec<_>, _>>()?;
    if instance.config_drive {
        let cdrom = properties.contains_key("hw_cdrom_bus");
        let bus = if cdrom { cdrom_bus(None, machine, properties)? } else { DiskBus::default() };
        let name = (!cdrom).then(|| format!("{}z", bus.prefix()));
        wanted.push(Wanted { device: None, content: Content::ConfigDrive, bus, cdrom, name });
    }
    Ok(place(wanted))
}

struct Wanted<'i> {
    device: Option<&'i BlockDevice>,
    content: Content,
    bus: DiskBus,
    cdrom: bool,
    name: Option<String>,
}

impl<'i> Wanted<'i> {
    fn new(
        device: &'i BlockDevice,
        content: Content,
        machine: Machine,
        properties: &BTreeMap<String, String>,
    ) -> Result<Self, DriverError> {
        let cdrom = device.device_type.as_deref() == Some("cdrom");
        let own = device.disk_bus.as_deref();
        let bus = if cdrom {
            cdrom_bus(own, machine, properties)?
        } else {
            let named = device.device_name.as_deref().and_then(bus_of_name);
            match own.or(named).or(properties.get("hw_disk_bus").map(String::as_str)) {
                Some(value) => DiskBus::from_property(value, machine)?,
                None => DiskBus::default(),
            }
        };
        let name = device.device_name.as_deref().and_then(|name| usable_name(name, bus));
        Ok(Self { device: Some(device), content, bus, cdrom, name })
    }
}

/// The disks in their order, each with what is in it.
fn disks(instance: &Instance) -> Vec<(&BlockDevice, Content)> {
    let rank = |device: &BlockDevice| match (device.boot_index, device.destination, is_swap(device)) {
        (Some(0), _, _) => 0,
        (_, BlockDestination::Local, false) => 1,
        (_, BlockDestination::Local, true) => 2,
        (_, BlockDestination::Volume, _) => 3,
    };
    let mut devices: Vec<&BlockDevice> = instance.block_devices.iter().collect();
    devices.sort_by_key(|device| rank(device));
    let mut ephemerals = 0;
    let content = |device: &BlockDevice| match (device.destination, device.source) {
        (BlockDestination::Volume, _) => Content::Volume,
        (BlockDestination::Local, BlockSource::Image) => Content::Root,
        (BlockDestination::Local, _) if is_swap(device) => Content::Swap { size_mb: swap_mb(instance, device) },
        (BlockDestination::Local, _) => {
            ephemerals += 1;
            let size_gb = device.size_gb.unwrap_or(instance.flavor.ephemeral_gb);
            Content::Ephemeral { index: ephemerals - 1, size_gb }
        }
    };
    let contents: Vec<Content> = devices.iter().copied().map(content).collect();
    devices.into_iter().zip(contents).collect()
}

fn is_swap(device: &BlockDevice) -> bool {
    device.source == BlockSource::Blank && device.guest_format.as_deref() == Some("swap")
}

/// The mapping counts whole GiB, the flavor MiB.
fn swap_mb(instance: &Instance, device: &BlockDevice) -> u64 {
    let flavor = instance.flavor.swap_mb;
    match device.size_gb.map(|size| size.saturating_mul(1024)) {
        Some(size) if flavor > 0 => size.min(flavor),
        Some(size) => size,
        None => flavor,
    }
}

fn cdrom_bus(
    own: Option<&str>,
    machine: Machine,
    properties: &BTreeMap<String, String>,
) -> Result<DiskBus, DriverError> {
    let asked = own.or(properties.get("hw_cdrom_bus").map(String::as_str));
    match asked.filter(|bus| *bus != "virtio") {
        Some(value) => DiskBus::from_property(value, machine),
        None => DiskBus::from_property("ide", machine),
    }
}

/// The bus that a disk of this name is on, in the words of `hw_disk_bus`.
pub(crate) fn bus_of_name(name: &str) -> Option<&'static str> {
    let bare = name.strip_prefix("/dev/").unwrap_or(name);
    [("vd", "virtio"), ("sd", "scsi"), ("hd", "ide")]
        .into_iter()
        .find_map(|(prefix, bus)| bare.starts_with(prefix).then_some(bus))
}

/// `vdb` of `/dev/vdb`, where disks on `bus` have such names.
fn usable_name(name: &str, bus: DiskBus) -> Option<String> {
    let bare = name.strip_prefix("/dev/").unwrap_or(name);
    let letters = bare.strip_prefix(bus.prefix())?;
    let plain = !letters.is_empty() && letters.len() < 3 && letters.bytes().all(|byte| byte.is_ascii_lowercase());
    plain.then(|| bare.to_owned())
}

/// Gives each disk its name and its turn to boot.
fn place(wanted: Vec<Wanted<'_>>) -> Vec<Place> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut names: Vec<Option<String>> = wanted.iter().map(|disk| disk.name.clone()).collect();
    for name in &mut names {
        // Of two that ask for the same name the first has it.
        *name = name.take().filter(|name| taken.insert(name.clone()));
    }
    let mut boot: Vec<i32> = wanted.iter().filter_map(|disk| disk.device?.boot_index).collect();
    boot.sort_unstable();
    let order = |index: i32| boot.iter().position(|other| *other == index).and_then(|at| u32::try_from(at + 1).ok());
    wanted
        .into_iter()
        .zip(names)
        .map(|(disk, name)| {
            let target = name.unwrap_or_else(|| next_target(disk.bus, taken.iter().map(String::as_str)));
            taken.insert(target.clone());
            Place {
                block_device: disk.device.map(|device| device.id),
                content: disk.content,
                bus: disk.bus,
                target,
                cdrom: disk.cdrom,
                boot_order: disk.device.and_then(|device| device.boot_index).and_then(order),
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
