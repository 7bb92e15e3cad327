//! Attaching a volume: connected to the host, plugged into the guest, told to the volume service.
//!
//! It is short, and a deletion waits for it: on the way back the guest would have to let go of the disk first.

use bus::topics::compute_agent as topic;
use bus::topics::conductor::{UpdateBlockDevice, VolumeDetached};
use bus::topics::volume::{AttachVolume, CompleteAttachment, ConnectionInfo, Connector, DetachVolume};
use hypervisor::DiskKey;
use kit::ids::{AttachmentId, VolumeId};
use kit::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use workflow::{Control, Definition, Outcome, Policy, Start};

use super::{PATIENCE, disk};
use crate::journal::BusJournal;
use crate::work::{Work, gone_is_fine, resumed_context};

/// The workflow's kind.
pub(crate) const KIND: &str = "server.attach_volume";
const EVENT: &str = "compute_attach_volume";

/// The workflow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attach {
    /// Which volume.
    pub volume_id: VolumeId,
    /// The mapping's number.
    pub block_device: i64,
    /// The reservation.
    pub attachment_id: AttachmentId,
    /// `/dev/vdb`, ….
    pub device: String,
    /// How it is reached, once it is connected.
    pub connection: Option<ConnectionInfo>,
}

/// The steps.
pub(crate) fn definition() -> Definition<Work, Attach> {
    Definition::new(KIND)
        .step("connect", connect, disconnect)
        .step("plug", plug, unplug)
        .step_without_undo("complete", complete)
}

async fn connect(work: &Work, attach: &mut Attach) -> Result<(), Fault> {
    let attachment = work
        .ask(AttachVolume {
            volume_id: attach.volume_id.clone(),
            server_id: work.server_id.clone(),
            attachment_id: Some(attach.attachment_id.clone()),
            connector: Connector { host: work.agent.host.clone() },
            device: Some(attach.device.clone()),
        })
        .await?;
    work.insist(UpdateBlockDevice {
        id: attach.block_device,
        volume_id: None,
        attachment_id: Some(attachment.id),
        connection: Some(attachment.connection.clone()),
        device_name: Some(attach.device.clone()),
    })
    .await?;
    attach.connection = Some(attachment.connection);
    Ok(())
}

/// The mapping goes with the attachment, for which it was made.
async fn disconnect(work: &Work, attach: &mut Attach) -> Result<(), Fault> {
    work.ask_own(DetachVolume { attachment_id: attach.attachment_id.clone() }).await?;
    let gone = VolumeDetached { server_id: work.server_id.clone(), volume_id: attach.volume_id.clone() };
    match work.ask_own(gone).await {
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// A guest that is not defined gets it when it is started.
async fn plug(work: &Work, attach: &mut Attach) -> Result<(), Fault> {
    let missing = || Fault::internal("attaching a volume", "it is not connected");
    let connection = attach.connection.as_ref().ok_or_else(missing)?;
    let disk = disk(work, &attach.volume_id, connection, &attach.device)?;
    gone_is_fine(work.agent.driver.attach_disk(&work.server_id, &disk).await)
}

async fn unplug(work: &Work, attach: &mut Attach) -> Result<(), Fault> {
    let key = DiskKey::Serial(attach.volume_id.to_string());
    gone_is_fine(work.agent.driver.detach_disk(&work.server_id, &key, PATIENCE).await)
}

async fn complete(work: &Work, attach: &mut Attach) -> Result<(), Fault> {
    let (attachment_id, device) = (attach.attachment_id.clone(), Some(attach.device.clone()));
    work.ask(CompleteAttachment { attachment_id, device }).await
}

/// Attaches the volume.
pub(crate) async fn attach(work: Work, message: topic::AttachVolume) {
    let state = Attach {
        volume_id: message.volume_id,
        block_device: message.block_device_id,
        attachment_id: message.attachment_id,
        device: message.device_name,
        connection: None,
    };
    let volume_id = state.volume_id.clone();
    let start = Start::new(work.server_id.as_str(), state).with_context(work.journaled());
    let (journal, control) = (BusJournal::of(&work.agent), Control::default());
    let outcome = workflow::run(&definition(), &work, start, &journal, &control).await;
    end(&work, volume_id, outcome).await;
}

/// Goes on with an attachment that a restart cut off.
pub(crate) async fn resume(work: Work, record: workflow::Record) {
    let work = Work::new(work.agent, work.server_id, resumed_context(&record));
    let Ok(Attach { volume_id, .. }) = Attach::deserialize(&record.state) else {
        tracing::error!(workflow_id = %record.id, "the state of an attachment cannot be read");
        return;
    };
    let (journal, control) = (BusJournal::of(&work.agent), Control::default());
    match workflow::resume(&definition(), &work, record, &journal, Policy::Continue, &control).await {
        Ok(outcome) => end(&work, volume_id, outcome).await,
        Err(error) => tracing::error!(error = %Fault::from(error).chain(), "an attachment cannot be resumed"),
    }
}

async fn end(work: &Work, volume_id: VolumeId, outcome: Outcome<Attach>) {
    match outcome {
        Outcome::Done(_) => work.report(EVENT, None),
        Outcome::Undone { fault, .. } => {
            work.report(EVENT, Some(&fault));
            // The mapping was made for this attachment.
            let gone = VolumeDetached { server_id: work.server_id.clone(), volume_id };
            if let Err(error) = work.insist(gone).await {
                tracing::error!(error = %error.chain(), "conductor could not be told that a volume is not attached");
            }
            work.failed(&fault, None).await;
        }
        Outcome::Stuck { fault, .. } => {
            work.report(EVENT, Some(&fault));
            work.failed(&fault, None).await;
        }
    }
}
