//! Deleting a server: the workflow `server.delete`. It only goes forward; every step can be repeated, and what is not there
//! any more is passed over. Where something cannot be given back the server goes to ERROR, and can be deleted again.

use bus::topics::compute_types::{BlockDestination, Instance, VmState};
use bus::topics::conductor::InstanceDeleted;
use bus::topics::image::DiscardSnapshot;
use bus::topics::network::DeallocateForInstance;
use bus::topics::volume::{DeleteVolume, DetachVolume};
use kit::ids::{AttachmentId, ImageId, ServerId, VolumeId};
use kit::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use workflow::{Control, Definition, Outcome, Policy, Start};

use crate::disks::{DiskError, blocking, remove_directory};
use crate::journal::BusJournal;
use crate::work::{Work, gone_is_fine, patiently, resumed_context};

/// The workflow's kind.
pub(crate) const KIND: &str = "server.delete";
const EVENT: &str = "compute_terminate_instance";

/// A volume of a server that is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    volume_id: VolumeId,
    attachment_id: Option<AttachmentId>,
    delete: bool,
}

/// The workflow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delete {
    server_id: ServerId,
    domain: Option<String>,
    volumes: Vec<Held>,
    /// An image that was being made of it.
    #[serde(default)]
    snapshot: Option<ImageId>,
}

impl Delete {
    /// What there is to give back of a server that may be gone already.
    pub fn of(id: &ServerId, instance: Option<&Instance>) -> Self {
        let held = |instance: &Instance| {
            let devices = instance.block_devices.iter();
            let volumes =
                devices.filter(|device| device.destination == BlockDestination::Volume).filter_map(|device| {
                    let (volume_id, attachment_id) = (device.volume_id.clone()?, device.attachment_id.clone());
                    Some(Held { volume_id, attachment_id, delete: device.delete_on_termination })
                });
            volumes.collect()
        };
        Self {
            server_id: id.clone(),
            domain: instance.map(|instance| instance.instance_name.clone()),
            volumes: instance.map(held).unwrap_or_default(),
            snapshot: instance.and_then(|instance| instance.snapshot_image.clone()),
        }
    }
}

/// The steps.
pub(crate) fn definition() -> Definition<Work, Delete> {
    Definition::new(KIND)
        .step_without_undo("guest", remove_guest)
        .step_without_undo("snapshot", discard_image)
        .step_without_undo("network", release_ports)
        .step_without_undo("volumes", release_volumes)
        .step_without_undo("files", remove_files)
        .step_without_undo("row", remove_row)
}

async fn remove_guest(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    patiently(|| async { gone_is_fine(work.agent.driver.remove(&delete.server_id).await) }).await
}

/// An image that is not ready is nothing without its server.
async fn discard_image(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    match delete.snapshot.clone() {
        Some(image_id) => work.insist(DiscardSnapshot { image_id }).await,
        None => Ok(()),
    }
}

async fn release_ports(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    missing_is_fine(work.insist(DeallocateForInstance { server_id: delete.server_id.clone() }).await)
}

async fn release_volumes(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    for volume in &delete.volumes {
        if let Some(attachment_id) = volume.attachment_id.clone() {
            missing_is_fine(work.insist(DetachVolume { attachment_id }).await)?;
        }
        if volume.delete {
            let deleted = work.insist(DeleteVolume { volume_id: volume.volume_id.clone() }).await;
            if let Err(fault) = missing_is_fine(deleted) {
                // As in Nova: the server goes all the same, the volume is its owner's to delete.
                tracing::warn!(volume_id = %volume.volume_id, error = %fault.chain(), "a volume stays behind");
            }
        }
    }
    Ok(())
}

async fn remove_files(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    remove_directory(work.agent.paths.instance(&delete.server_id)).await?;
    let Some(domain) = &delete.domain else { return Ok(()) };
    let sockets = ["serial", "vnc", "agent"].map(|kind| work.agent.paths.socket(domain, kind));
    blocking(move || {
        for socket in sockets {
            match std::fs::remove_file(socket) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DiskError::io("removing a socket")(error));
                }
                _ => {}
            }
        }
        Ok(())
    })
    .await?;
    Ok(())
}

async fn remove_row(work: &Work, delete: &mut Delete) -> Result<(), Fault> {
    // The row takes its actions along into history; they are reported while it is there.
    work.report(EVENT, None);
    missing_is_fine(work.insist(InstanceDeleted { server_id: delete.server_id.clone() }).await)
}

fn missing_is_fine(answer: Result<(), Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// Takes the server down, and everything that it has with it.
pub(crate) async fn terminate(work: Work) {
    let instance = match patiently(|| work.instance()).await {
        Ok(instance) if instance.host.as_ref().is_some_and(|host| *host != work.agent.host) => {
            tracing::warn!("a server that is on another host is not deleted here");
            return;
        }
        Ok(instance) => Some(instance),
        Err(fault) if fault.kind() == FaultKind::NotFound => None,
        Err(fault) => return work.failed(&fault, Some(VmState::Error)).await,
    };
    let state = Delete::of(&work.server_id, instance.as_ref());
    let start = Start::new(work.server_id.as_str(), state).with_context(work.journaled());
    let outcome = workflow::run(&definition(), &work, start, &BusJournal::of(&work.agent), &Control::default()).await;
    end(&work, outcome).await;
}

/// Goes on with a deletion that a restart cut off.
pub(crate) async fn resume(work: Work, record: workflow::Record) {
    let work = Work::new(work.agent, work.server_id, resumed_context(&record));
    let (journal, control) = (BusJournal::of(&work.agent), Control::default());
    match workflow::resume(&definition(), &work, record, &journal, Policy::Continue, &control).await {
        Ok(outcome) => end(&work, outcome).await,
        Err(error) => tracing::error!(error = %Fault::from(error).chain(), "a deletion cannot be resumed"),
    }
}

async fn end(work: &Work, outcome: Outcome<Delete>) {
    match outcome {
        Outcome::Done(_) => {}
        Outcome::Undone { fault, .. } | Outcome::Stuck { fault, .. } => {
            work.report(EVENT, Some(&fault));
            work.failed(&fault, Some(VmState::Error)).await;
        }
    }
}
