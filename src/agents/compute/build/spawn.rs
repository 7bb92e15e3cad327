//! The guest itself (step B16): defined, started, told to conductor.

use bus::topics::compute_types::{TaskState, VmState};
use bus::topics::conductor::InstanceChange;
use bus::topics::volume::CompleteAttachment;
use kit::{Clock as _, Fault, PowerState, SystemClock};

use super::{Build, Building, gone};
use crate::agent::NAME;
use crate::guest::layout::layout;
use crate::guest::record::Record;
use crate::guest::spec::{Parts, domain};
use crate::work::gone_is_fine;

/// The tasks of a server that does not run yet.
const NOT_YET: &[Option<TaskState>] = &[
    Some(TaskState::Scheduling),
    Some(TaskState::Networking),
    Some(TaskState::BlockDeviceMapping),
    Some(TaskState::Spawning),
];

/// Starts the guest; the server is ACTIVE then.
pub(super) async fn spawn(building: &Building, build: &mut Build) -> Result<(), Fault> {
    let (work, instance) = (&building.work, building.instance()?);
    if !work.update(NOT_YET, task(TaskState::Spawning)).await? {
        return already_active(building).await;
    }
    let record =
        Record { properties: build.properties.clone(), base: build.root.as_ref().map(|root| root.base.clone()) };
    let spec = domain(&Parts {
        instance,
        vifs: &build.vifs,
        record: &record,
        volumes: &build.connected(),
        paths: &work.agent.paths,
        cache: work.agent.cache_mode(),
    })?;
    let timer = work.context.trace.time(NAME, "spawn");
    let spawned = work.agent.driver.ensure_running(&spec).await.map_err(Fault::from);
    timer.finish(spawned.as_ref().err().map(ToString::to_string));
    spawned?;
    let places = layout(instance, &build.properties)?;
    for volume in &build.volumes {
        let Some(attachment_id) = volume.attachment_id.clone() else { continue };
        let place = places.iter().find(|place| place.block_device == Some(volume.block_device));
        let device = place.map(|place| place.device_name());
        work.ask(CompleteAttachment { attachment_id, device }).await?;
    }
    let root = places.iter().find(|place| place.boot_order == Some(1)).map(|place| place.device_name());
    let change = InstanceChange {
        vm_state: Some(VmState::Active),
        task_state: Some(None),
        power_state: Some(PowerState::Running),
        network_info: None,
        launched_at: Some(SystemClock.now()),
        root_device_name: root,
    };
    if work.update(&[Some(TaskState::Spawning)], change).await? { Ok(()) } else { already_active(building).await }
}

fn task(task: TaskState) -> InstanceChange {
    InstanceChange { task_state: Some(Some(task)), ..InstanceChange::default() }
}

/// After a crash the server may be ACTIVE already, and more may have been asked of it since.
async fn already_active(building: &Building) -> Result<(), Fault> {
    let now = building.work.instance().await?;
    let deleted = now.task_state == Some(TaskState::Deleting);
    if now.vm_state == VmState::Active && !deleted { Ok(()) } else { Err(gone(&building.work.server_id)) }
}

/// Takes the guest down.
pub(super) async fn remove(building: &Building, build: &mut Build) -> Result<(), Fault> {
    gone_is_fine(building.work.agent.driver.remove(&build.server_id).await)?;
    let change = InstanceChange {
        vm_state: Some(VmState::Building),
        power_state: Some(PowerState::NoState),
        ..task(TaskState::Spawning)
    };
    // Where it is being deleted it stays as it is.
    building.work.update(super::BUILDING, change).await?;
    Ok(())
}
