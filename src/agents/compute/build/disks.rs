//! The guest's own files: its directory, overlay, empty disks, config drive.

use bus::topics::compute_types::Instance;
use bus::topics::conductor::UpdateBlockDevice;
use bus::topics::metadata::RenderConfigDrive;
use kit::Fault;

use super::{Build, Building, aborted};
use crate::agent::NAME;
use crate::disks::{DiskError, Purpose, blocking, make_directory, make_private, remove_directory};
use crate::guest::layout::{Content, layout};
use crate::guest::record::Record;
use crate::iso;

const MIB: u64 = 1 << 20;
/// The label by which guests find the drive.
const LABEL: &str = "config-2";

/// Makes all of the guest's files.
pub(super) async fn make(building: &Building, build: &mut Build) -> Result<(), Fault> {
    let timer = building.work.context.trace.time(NAME, "create disks");
    let made = make_all(building, build).await;
    timer.finish(made.as_ref().err().map(ToString::to_string));
    made
}

async fn make_all(building: &Building, build: &Build) -> Result<(), Fault> {
    let (work, instance) = (&building.work, building.instance()?);
    let agent = &work.agent;
    let directory = agent.paths.instance(&instance.id);
    let record =
        Record { properties: build.properties.clone(), base: build.root.as_ref().map(|root| root.base.clone()) };
    blocking(move || {
        make_directory(&directory)?;
        record.write(&directory).map_err(DiskError::io("writing a guest's record"))
    })
    .await?;
    let places = layout(instance, &build.properties)?;
    for place in &places {
        let Some(file) = place.content.file() else { continue };
        let path = agent.paths.file(&instance.id, &file);
        match &place.content {
            Content::Root => {
                let root = build.root.as_ref().ok_or_else(|| aborted(&instance.id, "there is no image"))?;
                agent.disks.overlay(&path, &agent.images.backing(&root.base), root.size).await?;
            }
            Content::Ephemeral { index, size_gb } => {
                let size = size_gb.saturating_mul(1024 * MIB);
                agent.disks.blank(&path, size, Purpose::Ephemeral(*index)).await?;
            }
            Content::Swap { size_mb } => {
                agent.disks.blank(&path, size_mb.saturating_mul(MIB), Purpose::Swap).await?;
            }
            Content::ConfigDrive => config_drive(building, instance, path).await?,
            Content::Volume => {}
        }
    }
    Ok(())
}

/// Tells conductor the names of local disks. They follow from the mappings: nothing is lost where it does not hear
/// of them, and the server need not wait for them. Names of volumes it was told when they were attached.
pub(super) fn tell_names(building: &Building, build: &Build) {
    let Ok(instance) = building.instance() else { return };
    let Ok(places) = layout(instance, &build.properties) else { return };
    for place in places.iter().filter(|place| place.content != Content::Volume) {
        let Some(device) = instance.block_devices.iter().find(|device| Some(device.id) == place.block_device) else {
            continue;
        };
        let device_name = Some(place.device_name());
        if device.device_name != device_name {
            let (volume_id, attachment_id, connection) = (None, None, None);
            building.work.tell(UpdateBlockDevice { id: device.id, volume_id, attachment_id, connection, device_name });
        }
    }
}

async fn config_drive(building: &Building, instance: &Instance, path: std::path::PathBuf) -> Result<(), Fault> {
    let files = building.work.ask(RenderConfigDrive { server_id: instance.id.clone() }).await?;
    let at = instance.created_at;
    let bytes = iso::image(LABEL, at, files.iter().map(|file| (file.path.as_str(), file.content.as_slice())))
        .map_err(|error| Fault::internal("making the config drive", error))?;
    blocking(move || {
        std::fs::write(&path, &bytes).map_err(DiskError::io("writing the config drive"))?;
        make_private(&path)
    })
    .await?;
    Ok(())
}

/// Removes all of them.
pub(super) async fn remove(building: &Building, build: &mut Build) -> Result<(), Fault> {
    Ok(remove_directory(building.work.agent.paths.instance(&build.server_id)).await?)
}
