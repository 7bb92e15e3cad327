//! Detaching a volume: the guest lets go of it, then the host.
//!
//! Where the guest does not, it keeps it and the volume is in use as before. Once the host has let go there is no way back:
//! then going back ends the detachment too.

use bus::topics::compute_agent as topic;
use bus::topics::compute_types::Instance;
use bus::topics::conductor::VolumeDetached;
use bus::topics::volume::{ConnectionInfo, DetachVolume, GetVolume, RollDetaching};
use hypervisor::DiskKey;
use kit::ids::{AttachmentId, VolumeId};
use kit::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use workflow::{Control, Definition, Outcome, Policy, Start};

use super::{PATIENCE, disk};
use crate::journal::BusJournal;
use crate::work::{Work, gone_is_fine, patiently, resumed_context};

/// The workflow's kind.
pub(crate) const KIND: &str = "server.detach_volume";
const EVENT: &str = "compute_detach_volume";

/// The workflow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Detach {
    volume_id: VolumeId,
    attachment_id: AttachmentId,
    /// What it was plugged in as, to plug it in again.
    plugged: Option<(ConnectionInfo, String)>,
}

impl Detach {
    /// Of `instance` the volume that is meant.
    pub fn of(instance: &Instance, message: &topic::DetachVolume) -> Self {
        let mut devices = instance.block_devices.iter();
        let device = devices.find(|device| device.volume_id.as_ref() == Some(&message.volume_id));
        Self {
            volume_id: message.volume_id.clone(),
            attachment_id: message.attachment_id.clone(),
            plugged: device.and_then(|device| Some((device.connection.clone()?, device.device_name.clone()?))),
        }
    }
}

/// The steps.
pub(crate) fn definition() -> Definition<Work, Detach> {
    Definition::new(KIND)
        .step("unplug", unplug, plug_again)
        .step_without_undo("disconnect", disconnect)
        .step_without_undo("forget", forget)
}

async fn unplug(work: &Work, detach: &mut Detach) -> Result<(), Fault> {
    let key = DiskKey::Serial(detach.volume_id.to_string());
    gone_is_fine(work.agent.driver.detach_disk(&work.server_id, &key, PATIENCE).await)
}

async fn plug_again(work: &Work, detach: &mut Detach) -> Result<(), Fault> {
    if !is_still_attached(work, detach).await? {
        return forget(work, detach).await;
    }
    if let Some((connection, device)) = &detach.plugged {
        let disk = disk(work, &detach.volume_id, connection, device)?;
        gone_is_fine(work.agent.driver.attach_disk(&work.server_id, &disk).await)?;
    }
    work.ask_own(RollDetaching { volume_id: detach.volume_id.clone() }).await
}

/// Whether the volume is the server's until now: one that is free may be another's by tomorrow.
async fn is_still_attached(work: &Work, detach: &Detach) -> Result<bool, Fault> {
    match work.ask_own(GetVolume { volume_id: detach.volume_id.clone() }).await {
        Ok(volume) => Ok(matches!(volume.status.as_str(), "detaching" | "in-use")),
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

async fn disconnect(work: &Work, detach: &mut Detach) -> Result<(), Fault> {
    match work.insist(DetachVolume { attachment_id: detach.attachment_id.clone() }).await {
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// Has the mapping removed. It does not fail: there is nothing to go back to.
async fn forget(work: &Work, detach: &mut Detach) -> Result<(), Fault> {
    let gone = VolumeDetached { server_id: work.server_id.clone(), volume_id: detach.volume_id.clone() };
    if let Err(fault) = work.insist(gone).await {
        tracing::error!(volume_id = %detach.volume_id, error = %fault.chain(), "a detached volume is still in the list");
    }
    Ok(())
}

/// Detaches the volume.
pub(crate) async fn detach(work: Work, message: topic::DetachVolume, interrupt: &CancellationToken) {
    let instance = match patiently(|| work.instance()).await {
        Ok(instance) => instance,
        Err(fault) => return end(&work, Outcome::Undone { fault, state: () }).await,
    };
    let start = Start::new(work.server_id.as_str(), Detach::of(&instance, &message)).with_context(work.journaled());
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    end(&work, workflow::run(&definition(), &work, start, &journal, &control).await).await;
}

/// Goes on with a detachment that a restart cut off.
pub(crate) async fn resume(work: Work, record: workflow::Record, interrupt: &CancellationToken) {
    let work = Work::new(work.agent, work.server_id, resumed_context(&record));
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    match workflow::resume(&definition(), &work, record, &journal, Policy::Continue, &control).await {
        Ok(outcome) => end(&work, outcome).await,
        Err(error) => tracing::error!(error = %Fault::from(error).chain(), "a detachment cannot be resumed"),
    }
}

async fn end<S>(work: &Work, outcome: Outcome<S>) {
    match outcome {
        Outcome::Done(_) => work.report(EVENT, None),
        Outcome::Undone { fault, .. } | Outcome::Stuck { fault, .. } => {
            work.report(EVENT, Some(&fault));
            work.failed(&fault, None).await;
        }
    }
}
