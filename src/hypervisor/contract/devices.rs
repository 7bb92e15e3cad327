//! The clauses about disks and interfaces.

use std::time::Duration;

use super::probe::{LONG, conflict, fails, not_found, spec, timed_out};
use super::{Broken, Held, Temper, World, guest};
use crate::driver::Driver;
use crate::error::DriverError;
use crate::spec::{CacheMode, Disk, DiskBus, DiskFormat, DiskKey, DomainSpec, Interface, InterfaceModel};

/// Short enough for a test, long enough for a guest that obliges.
const BRIEF: Duration = Duration::from_secs(2);

fn volume(world: &dyn World, spec: &DomainSpec, bus: DiskBus, target: &str) -> Result<Disk, Broken> {
    let short: String = spec.server_id.as_str().chars().take(8).collect();
    let path = world.dir().join(format!("{short}.{target}"));
    guest::write_empty_disk(&path)?;
    let mut disk = Disk::new(path, DiskFormat::Raw, bus, target);
    disk.serial = kit::ids::VolumeId::random().as_str().to_owned();
    disk.cache = CacheMode::Unsafe;
    Ok(disk)
}

/// Of a guest that is off only the definition changes.
pub async fn cold_disks(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let id = &spec.server_id;
    let disk = volume(world, &spec, DiskBus::Virtio, "vdb")?;
    fails("attaching to a guest that is not there", driver.attach_disk(id, &disk).await, not_found)?;
    driver.define(&spec).await?;
    driver.attach_disk(id, &disk).await?;
    driver.attach_disk(id, &disk).await?;
    let other = volume(world, &spec, DiskBus::Virtio, "vdb")?;
    fails("another disk in its place", driver.attach_disk(id, &other).await, conflict)?;
    driver.start(id).await?;
    driver.attach_disk(id, &disk).await?;
    driver.destroy(id).await?;
    driver.detach_disk(id, &DiskKey::Target("vdb".to_owned()), BRIEF).await?;
    driver.detach_disk(id, &DiskKey::Target("vdb".to_owned()), BRIEF).await?;
    driver.attach_disk(id, &other).await?;
    driver.detach_disk(id, &DiskKey::Serial(other.serial.clone()), BRIEF).await?;
    driver.start(id).await?;
    Ok(driver.remove(id).await?)
}

/// Of a guest that runs both change. SCSI, where QEMU needs no help of the guest.
pub async fn hot_disks(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let id = &spec.server_id;
    driver.ensure_running(&spec).await?;
    let disk = volume(world, &spec, DiskBus::Scsi, "sda")?;
    let key = DiskKey::Serial(disk.serial.clone());
    driver.attach_disk(id, &disk).await?;
    driver.attach_disk(id, &disk).await?;
    driver.destroy(id).await?;
    driver.start(id).await?;
    driver.attach_disk(id, &disk).await?;
    driver.detach_disk(id, &key, LONG).await?;
    driver.detach_disk(id, &key, LONG).await?;
    let other = volume(world, &spec, DiskBus::Scsi, "sda")?;
    driver.attach_disk(id, &other).await?;
    driver.detach_disk(id, &DiskKey::Target("sda".to_owned()), LONG).await?;
    let sata = volume(world, &spec, DiskBus::Sata, "sdb")?;
    let unsupported = |error: &DriverError| matches!(error, DriverError::Unsupported(_));
    fails("hot-plugging SATA", driver.attach_disk(id, &sata).await, unsupported)?;
    Ok(driver.remove(id).await?)
}

/// A guest that does not let go keeps its disk until it stops.
pub async fn kept_disk(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Stubborn)?;
    let id = &spec.server_id;
    driver.ensure_running(&spec).await?;
    let disk = volume(world, &spec, DiskBus::Virtio, "vdb")?;
    let key = DiskKey::Serial(disk.serial.clone());
    driver.attach_disk(id, &disk).await?;
    for _ in 0..2 {
        fails("detaching", driver.detach_disk(id, &key, BRIEF).await, timed_out)?;
    }
    driver.destroy(id).await?;
    driver.detach_disk(id, &key, BRIEF).await?;
    let other = volume(world, &spec, DiskBus::Virtio, "vdb")?;
    driver.attach_disk(id, &other).await?;
    Ok(driver.remove(id).await?)
}

/// Interfaces come and go as disks do.
pub async fn interfaces(driver: &dyn Driver, world: &dyn World) -> Held {
    let Some([tap, other_tap]) = world.taps() else { return Ok(()) };
    let mut spec = spec(world, Temper::Stubborn)?;
    let id = spec.server_id.clone();
    let id = &id;
    let interface = |tap: &str, last: u8| Interface {
        tap: tap.to_owned(),
        mac: format!("fa:16:3e:00:00:{last:02x}"),
        mtu: 1450,
        model: InterfaceModel::Virtio,
    };
    let first = interface(&tap, 1);
    let second = interface(&other_tap, 2);
    fails("attaching to a guest that is not there", driver.attach_interface(id, &first).await, not_found)?;
    spec.interfaces.push(first.clone());
    driver.ensure_running(&spec).await?;
    driver.attach_interface(id, &first).await?;
    fails("its address on another tap", driver.attach_interface(id, &interface(&other_tap, 1)).await, conflict)?;
    driver.attach_interface(id, &second).await?;
    driver.attach_interface(id, &second).await?;
    fails("detaching", driver.detach_interface(id, &second.mac, BRIEF).await, timed_out)?;
    driver.destroy(id).await?;
    driver.detach_interface(id, &second.mac, BRIEF).await?;
    driver.attach_interface(id, &second).await?;
    driver.start(id).await?;
    driver.destroy(id).await?;
    for _ in 0..2 {
        driver.detach_interface(id, &first.mac, BRIEF).await?;
    }
    driver.start(id).await?;
    Ok(driver.remove(id).await?)
}
