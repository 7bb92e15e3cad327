//! The volumes (steps B14 and B15): made where they are to be made, and connected to this host.

use std::time::Duration;

use bus::topics::compute_types::{BlockDevice, BlockSource, Instance, TaskState};
use bus::topics::conductor::{InstanceChange, UpdateBlockDevice};
use bus::topics::volume::{
    AttachVolume, Connector, CreateVolume, DeleteVolume, DetachVolume, GetVolume, ReserveVolume, Volume,
};
use kit::ids::VolumeId;
use kit::{Deadline, Fault, FaultKind};

use super::{Build, Building, Planned, aborted};
use crate::guest::layout::layout;
use crate::guest::record::hardware;

/// How long a volume may take to be made.
const PATIENCE: Duration = Duration::from_secs(1800);
/// The first pause between two looks at a volume; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

fn device<'i>(instance: &'i Instance, volume: &Planned) -> Result<&'i BlockDevice, Fault> {
    let found = instance.block_devices.iter().find(|device| device.id == volume.block_device);
    found.ok_or_else(|| aborted(&instance.id, "a block device is gone"))
}

/// Makes the volumes that the server asked for, and waits until they are there.
pub(super) async fn make(building: &Building, build: &mut Build) -> Result<(), Fault> {
    if build.volumes.is_empty() {
        return Ok(());
    }
    let instance = building.instance()?;
    building.advance(TaskState::BlockDeviceMapping, InstanceChange::default()).await?;
    for volume in &build.volumes {
        let device = device(instance, volume)?;
        if volume.made {
            building.work.ask(request(instance, device, volume)).await?;
        }
        let found = available(building, volume).await?;
        if device.boot_index == Some(0) {
            build.properties = hardware(&found.image_metadata);
        }
    }
    Ok(())
}

fn request(instance: &Instance, device: &BlockDevice, volume: &Planned) -> CreateVolume {
    CreateVolume {
        volume_id: volume.volume_id.clone(),
        project_id: instance.project_id.clone(),
        user_id: instance.user_id.clone(),
        name: String::new(),
        size_gb: device.size_gb.unwrap_or_default(),
        image_id: device.image_id.clone().filter(|_| device.source == BlockSource::Image),
        snapshot_id: device.snapshot_id.clone().filter(|_| device.source == BlockSource::Snapshot),
        volume_type: device.volume_type.clone(),
        availability_zone: None,
    }
}

/// The volume, once it can be attached.
async fn available(building: &Building, volume: &Planned) -> Result<Volume, Fault> {
    let (id, deadline, mut pause) = (&volume.volume_id, Deadline::after(PATIENCE), FIRST_PAUSE);
    loop {
        let found = building.work.ask(GetVolume { volume_id: id.clone() }).await?;
        let server = &building.work.server_id;
        match found.status.as_str() {
            // One that was there before has been reserved for the server.
            "available" | "reserved" | "attaching" | "in-use" => return Ok(found),
            status if status.starts_with("error") => {
                return Err(aborted(server, format_args!("Volume {id} could not be made. Its status is {status}.")));
            }
            status if deadline.remaining().is_zero() => {
                let seconds = PATIENCE.as_secs();
                return Err(aborted(
                    server,
                    format_args!(
                        "Volume {id} did not finish being created even after we waited {seconds} seconds. And its status \
                         is {status}."
                    ),
                ));
            }
            _ => tokio::time::sleep(pause).await,
        }
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// Deletes the volumes that this build made.
pub(super) async fn remove(building: &Building, build: &mut Build) -> Result<(), Fault> {
    for volume in build.volumes.iter().filter(|volume| volume.made) {
        building.work.ask_own(DeleteVolume { volume_id: volume.volume_id.clone() }).await?;
    }
    Ok(())
}

/// Connects the volumes to this host.
pub(super) async fn attach(building: &Building, build: &mut Build) -> Result<(), Fault> {
    if build.volumes.is_empty() {
        return Ok(());
    }
    let (work, instance) = (&building.work, building.instance()?);
    let places = layout(instance, &build.properties)?;
    for volume in &mut build.volumes {
        let place = places.iter().find(|place| place.block_device == Some(volume.block_device));
        let device_name = place.map(|place| place.device_name());
        let attachment = connect(building, volume, device_name.clone()).await?;
        work.insist(UpdateBlockDevice {
            id: volume.block_device,
            volume_id: Some(volume.volume_id.clone()),
            attachment_id: Some(attachment.id.clone()),
            connection: Some(attachment.connection.clone()),
            device_name,
        })
        .await?;
        volume.attachment_id = Some(attachment.id);
        volume.connection = Some(attachment.connection);
    }
    Ok(())
}

/// Takes up the reservation. One that an earlier attempt gave back is made anew.
async fn connect(
    building: &Building,
    volume: &Planned,
    device: Option<String>,
) -> Result<bus::topics::volume::Attachment, Fault> {
    let attach = |attachment_id| {
        building.work.ask(AttachVolume {
            volume_id: volume.volume_id.clone(),
            server_id: building.work.server_id.clone(),
            attachment_id,
            connector: Connector { host: building.work.agent.host.clone() },
            device: device.clone(),
        })
    };
    let reservation = volume.attachment_id.clone();
    match attach(reservation.clone()).await {
        Err(fault) if fault.kind() == FaultKind::NotFound && reservation.is_some() => attach(None).await,
        answer => answer,
    }
}

/// Ends the attachments, those of which the answer was lost too.
pub(super) async fn detach(building: &Building, build: &mut Build) -> Result<(), Fault> {
    for volume in &mut build.volumes {
        detach_one(building, &volume.volume_id).await?;
        volume.connection = None;
    }
    Ok(())
}

async fn detach_one(building: &Building, volume_id: &VolumeId) -> Result<(), Fault> {
    let server_id = building.work.server_id.clone();
    // Asking for a reservation names the one that the server has, whoever knew of it.
    match building.work.ask_own(ReserveVolume { volume_id: volume_id.clone(), server_id }).await {
        Ok(attachment_id) => building.work.ask_own(DetachVolume { attachment_id }).await,
        // There is no such volume, or it is in a state in which it is nobody's, or another server's.
        Err(fault) if !fault.is_transient() && fault.kind() != FaultKind::Internal => Ok(()),
        Err(fault) => Err(fault),
    }
}
