//! A server made into a domain. Pure.

use std::collections::BTreeMap;

use bus::topics::compute_types::{BlockDestination, Instance, Vif};
use bus::topics::volume::ConnectionInfo;
use hypervisor::{
    Backing, CacheMode, Console, Disk, DiskFormat, DomainSpec, DriverError, Interface, InterfaceModel, Metadata, Vnc,
};
use kit::Fault;
use kit::ids::VolumeId;
use serde::{Deserialize, Serialize};

use super::layout::{Content, Place, layout, machine};
use super::paths::Paths;
use super::record::{Record, truth};

/// A volume as it is reached from this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connected {
    /// The mapping's number.
    pub block_device: i64,
    /// Which volume.
    pub volume_id: VolumeId,
    /// How it is reached.
    pub connection: ConnectionInfo,
}

/// What a domain is made of.
pub(crate) struct Parts<'a> {
    /// The server.
    pub instance: &'a Instance,
    /// Its interfaces, wired.
    pub vifs: &'a [Vif],
    /// What the host remembers of it.
    pub record: &'a Record,
    /// Its volumes, connected. A mapping without one is left out.
    pub volumes: &'a [Connected],
    /// Where its files are.
    pub paths: &'a Paths,
    /// Whether the host caches disks.
    pub cache: CacheMode,
}

/// The volumes of `instance` that are connected, as conductor knows them.
pub(crate) fn connected(instance: &Instance) -> Vec<Connected> {
    let devices = instance.block_devices.iter().filter(|device| device.destination == BlockDestination::Volume);
    devices
        .filter_map(|device| {
            let (volume_id, connection) = (device.volume_id.clone()?, device.connection.clone()?);
            Some(Connected { block_device: device.id, volume_id, connection })
        })
        .collect()
}

/// The domain.
///
/// # Errors
/// Where the image or a mapping asks for what there is not, or an interface is not wired.
pub(crate) fn domain(parts: &Parts<'_>) -> Result<DomainSpec, Fault> {
    let &Parts { instance, record, paths, .. } = parts;
    let properties = &record.properties;
    let places = layout(instance, properties)?;
    let disks = places.iter().filter_map(|place| disk(parts, place)).collect();
    let model = properties
        .get("hw_vif_model")
        .map_or(Ok(InterfaceModel::default()), |value| InterfaceModel::from_property(value))?;
    let interfaces = parts.vifs.iter().map(|vif| interface(vif, model)).collect::<Result<_, _>>()?;
    let name = &instance.instance_name;
    let spec = DomainSpec {
        server_id: instance.id.clone(),
        name: name.clone(),
        metadata: metadata(instance),
        vcpus: instance.flavor.vcpus,
        memory_mb: instance.flavor.ram_mb,
        machine: machine(properties)?,
        disks,
        interfaces,
        console: Console { log: paths.console_log(&instance.id), socket: paths.socket(name, "serial") },
        vnc: (!is(properties, "hw_video_model", "none")).then(|| Vnc::Unix(paths.socket(name, "vnc"))),
        agent_socket: truth(properties, "hw_qemu_guest_agent").then(|| paths.socket(name, "agent")),
        rng: true,
    };
    spec.validate()?;
    Ok(spec)
}

fn metadata(instance: &Instance) -> Metadata {
    Metadata {
        display_name: instance.name.clone(),
        flavor_name: instance.flavor.name.clone(),
        project_id: instance.project_id.to_string(),
        user_id: instance.user_id.to_string(),
        image_id: instance.image_id.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// The disk in `place`; nothing for a volume that is not connected.
fn disk(parts: &Parts<'_>, place: &Place) -> Option<Disk> {
    let mut disk = match (&place.content, place.content.file()) {
        (Content::Volume, _) => {
            let volume = parts.volumes.iter().find(|volume| Some(volume.block_device) == place.block_device)?;
            volume_disk(volume, place)
        }
        (content, file) => {
            let path = parts.paths.file(&parts.instance.id, &file?);
            let format = if *content == Content::Root { DiskFormat::Qcow2 } else { DiskFormat::Raw };
            let mut disk = Disk::new(path, format, place.bus, place.target.clone());
            let base = parts.record.base.as_ref().filter(|_| *content == Content::Root);
            disk.backing =
                base.map(|base| Backing { path: parts.paths.image_cache().join(&base.file), format: base.format });
            disk
        }
    };
    disk.cdrom = place.cdrom;
    disk.read_only |= place.cdrom || place.content == Content::ConfigDrive;
    disk.boot_order = place.boot_order;
    disk.cache = parts.cache;
    Some(disk)
}

/// A volume's disk in `place`.
pub(crate) fn volume_disk(volume: &Connected, place: &Place) -> Disk {
    let ConnectionInfo::File { path, format, read_only, .. } = &volume.connection;
    let format = if format == "qcow2" { DiskFormat::Qcow2 } else { DiskFormat::Raw };
    let mut disk = Disk::new(path.clone(), format, place.bus, place.target.clone());
    disk.serial = volume.volume_id.to_string();
    disk.read_only = *read_only;
    disk
}

fn interface(vif: &Vif, model: InterfaceModel) -> Result<Interface, DriverError> {
    let unwired = || DriverError::InvalidSpec(format!("port {} is not wired", vif.port_id));
    let tap = vif.device.clone().ok_or_else(unwired)?;
    Ok(Interface { tap, mac: vif.mac.to_lowercase(), mtu: vif.mtu, model })
}

fn is(properties: &BTreeMap<String, String>, name: &str, value: &str) -> bool {
    properties.get(name).is_some_and(|found| found == value)
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
