//! Volumes that come and go while a server is there: the workflows `server.attach_volume` and `server.detach_volume`.

pub(crate) mod attach;
pub(crate) mod detach;

use std::time::Duration;

use bus::topics::volume::ConnectionInfo;
use hypervisor::{Disk, DiskBus, Machine};
use kit::Fault;
use kit::ids::VolumeId;

use crate::guest::layout::{Content, Place, bus_of_name};
use crate::guest::spec::{Connected, volume_disk};
use crate::work::Work;

/// How long a guest has to let go of a disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// The disk that a volume is in the guest.
fn disk(work: &Work, volume_id: &VolumeId, connection: &ConnectionInfo, device: &str) -> Result<Disk, Fault> {
    let bus = bus_of_name(device).map_or(Ok(DiskBus::Virtio), |bus| DiskBus::from_property(bus, Machine::Q35))?;
    let target = device.strip_prefix("/dev/").unwrap_or(device).to_owned();
    let connected = Connected { block_device: 0, volume_id: volume_id.clone(), connection: connection.clone() };
    let place = Place { block_device: None, content: Content::Volume, bus, target, cdrom: false, boot_order: None };
    let mut disk = volume_disk(&connected, &place);
    disk.cache = work.agent.cache_mode();
    Ok(disk)
}
