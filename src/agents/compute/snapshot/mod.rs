//! Making an image of a server: the workflow `server.snapshot`.
//!
//! ```text
//! image ─▶ copy ─▶ send ─▶ settle
//!   ◀────────┴─ on failure: the copy and the image go, the server stays as it is
//! ```
//! The row names the image ([`Instance::snapshot_image`]) until there is nothing more to do for it: whoever deletes the server
//! before that deletes the image too. Where its owner deletes the image meanwhile, there is nothing to fail: the rest is given up.

mod copy;
mod send;

use std::time::Duration;

use bus::topics::compute_types::{Instance, TaskState};
use bus::topics::conductor::InstanceChange;
use bus::topics::image::{DiscardSnapshot, GetImage};
use hypervisor::{PowerState, Quiesce};
use kit::ids::{ImageId, ProjectId, ServerId};
use kit::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use workflow::{Control, Definition, Outcome, Policy, Start};

use crate::guest::layout::{Content, layout};
use crate::guest::record::{Record, truth};
use crate::journal::BusJournal;
use crate::owner::{Job, Operation};
use crate::work::{Work, patiently, resumed_context};

pub(crate) use copy::remove_copy;

/// The workflow's kind.
pub(crate) const KIND: &str = "server.snapshot";
const EVENT: &str = "compute_snapshot_instance";
/// The code of a fault that says that the server is deleted.
const GONE: &str = "InstanceGone";
/// The code of a fault that says that the image is deleted.
const IMAGE_GONE: &str = "ImageGone";
/// How long a disk may take to be copied, or sent.
const STEP: Duration = Duration::from_secs(6 * 3600);
/// The tasks that a server may have meanwhile.
const TASKS: &[Option<TaskState>] = &[
    Some(TaskState::ImageSnapshotPending),
    Some(TaskState::ImageSnapshot),
    Some(TaskState::ImagePendingUpload),
    Some(TaskState::ImageUploading),
];

/// The workflow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    image_id: ImageId,
    project_id: ProjectId,
    /// What the guest's root disk is called: `vda`.
    disk: String,
    /// Whether the guest has an agent that can be asked to be quiet, and whether it has to be.
    agent: bool,
    must_be_quiet: bool,
}

impl Snapshot {
    fn quiesce(&self) -> Quiesce {
        match (self.agent, self.must_be_quiet) {
            (_, true) => Quiesce::Must,
            (true, false) => Quiesce::Try,
            (false, false) => Quiesce::No,
        }
    }
}

/// The steps.
pub(crate) fn definition() -> Definition<Work, Snapshot> {
    Definition::new(KIND)
        .step("image", find_image, discard_image)
        .step("copy", copy::copy, copy::remove)
        .step_without_undo("send", send::send)
        .step_without_undo("settle", settle)
        .time_limit(STEP)
}

fn gone(id: &ServerId) -> Fault {
    Fault::conflict(format!("Instance {id} disappeared while an image was made of it.")).with_code(GONE)
}

fn image_gone(id: &ImageId) -> Fault {
    Fault::not_found(format!("Image {id} was deleted while it was made.")).with_code(IMAGE_GONE)
}

/// Says how far it is, if the server is not being deleted.
async fn advance(work: &Work, task: TaskState) -> Result<(), Fault> {
    let change = InstanceChange { task_state: Some(Some(task)), ..InstanceChange::default() };
    if work.update(TASKS, change).await? { Ok(()) } else { Err(gone(&work.server_id)) }
}

/// The image may never have been made, where a crash came first.
async fn find_image(work: &Work, snapshot: &mut Snapshot) -> Result<(), Fault> {
    advance(work, TaskState::ImageSnapshot).await?;
    match work.insist(GetImage { image_id: snapshot.image_id.clone() }).await {
        Err(fault) if fault.kind() == FaultKind::NotFound => Err(image_gone(&snapshot.image_id)),
        found => found.map(drop),
    }
}

async fn discard_image(work: &Work, snapshot: &mut Snapshot) -> Result<(), Fault> {
    work.ask_own(DiscardSnapshot { image_id: snapshot.image_id.clone() }).await
}

async fn settle(work: &Work, snapshot: &mut Snapshot) -> Result<(), Fault> {
    copy::remove_file(work).await?;
    if work.update(TASKS, idle()).await? {
        return Ok(());
    }
    // After a crash this may be done already, and more may have been asked of the server since.
    match work.insist_instance().await {
        Ok(now) if now.snapshot_image.as_ref() == Some(&snapshot.image_id) => Err(gone(&work.server_id)),
        Err(fault) if fault.kind() != FaultKind::NotFound => Err(fault),
        _ => Ok(()),
    }
}

fn idle() -> InstanceChange {
    InstanceChange { task_state: Some(None), ..InstanceChange::default() }
}

/// What is to be done for the server's image.
///
/// # Errors
/// Where the server's disks are not known.
pub(crate) async fn plan(work: &Work, instance: &Instance, image_id: ImageId) -> Result<Snapshot, Fault> {
    let record = Record::of(work.agent.paths.instance(&instance.id)).await?;
    let places = layout(instance, &record.properties)?;
    let root = places.into_iter().find(|place| place.content == Content::Root);
    let root = root.ok_or_else(|| Fault::internal("finding a server's root disk", "it is not on its host"))?;
    let agent = truth(&record.properties, "hw_qemu_guest_agent");
    let must_be_quiet = truth(&record.properties, "os_require_quiesce");
    Ok(Snapshot { image_id, project_id: instance.project_id.clone(), disk: root.target, agent, must_be_quiet })
}

/// Makes the image that the server's row names, if it still does.
pub(crate) async fn snapshot(work: Work, interrupt: &CancellationToken) {
    let instance = match work.insist_instance().await {
        Ok(instance) => instance,
        Err(fault) => {
            tracing::warn!(error = %fault.chain(), "a server cannot be read");
            return;
        }
    };
    let Some(image_id) = instance.snapshot_image.clone().filter(|_| TASKS.contains(&instance.task_state)) else {
        tracing::info!(task_state = ?instance.task_state, "no image is to be made of the server, or not any more");
        return;
    };
    let state = match plan(&work, &instance, image_id.clone()).await {
        Ok(state) => state,
        Err(fault) => {
            if let Err(error) = work.insist(DiscardSnapshot { image_id }).await {
                tracing::error!(error = %error.chain(), "an image that nothing comes of stays behind");
            }
            return fail(&work, &fault).await;
        }
    };
    let start = Start::new(work.server_id.as_str(), state).with_context(work.journaled());
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    let outcome = workflow::run(&definition(), &work, start, &journal, &control).await;
    end(&work, outcome, interrupt).await;
}

/// Goes on with what a restart cut off, or takes it back where the server is not there any more.
pub(crate) async fn resume(work: Work, record: workflow::Record, interrupt: &CancellationToken) {
    let work = Work::new(work.agent, work.server_id, resumed_context(&record));
    let deleted = match work.insist_instance().await {
        Ok(instance) => instance.task_state == Some(TaskState::Deleting) && instance.snapshot_image.is_some(),
        Err(fault) if fault.kind() == FaultKind::NotFound => record.step_name != "settle",
        Err(fault) => {
            tracing::error!(error = %fault.chain(), "the making of an image cannot be resumed before the next start");
            return;
        }
    };
    let policy = if deleted { Policy::Unwind } else { Policy::Continue };
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    match workflow::resume(&definition(), &work, record, &journal, policy, &control).await {
        Ok(_) if deleted => tracing::info!("the image of a server that is deleted has been given up"),
        Ok(outcome) => end(&work, outcome, interrupt).await,
        Err(error) => tracing::error!(error = %Fault::from(error).chain(), "the making of an image cannot be resumed"),
    }
    revive(&work).await;
}

/// Looks after a guest that went off with its host while its server had this task, and was not started for that.
async fn revive(work: &Work) {
    match work.agent.driver.power_state(&work.server_id).await {
        Ok(Some(PowerState::Running | PowerState::Paused)) => {}
        Ok(_) => {
            let job = Job { context: work.own.clone(), operation: Operation::Revive };
            if let Err(fault) = work.agent.submit(&work.server_id, job) {
                tracing::warn!(error = %fault.chain(), "a guest is not started again");
            }
        }
        Err(error) => tracing::warn!(error = %error.chain(), "what a guest does is not known"),
    }
}

async fn end(work: &Work, outcome: Outcome<Snapshot>, interrupt: &CancellationToken) {
    match outcome {
        Outcome::Done(_) => work.report(EVENT, None),
        Outcome::Undone { fault, .. } if interrupt.is_cancelled() || fault.code() == Some(GONE) => {
            tracing::info!("the making of an image was stopped, because its server is deleted");
            work.report(EVENT, Some(&fault));
        }
        Outcome::Undone { fault, .. } if fault.code() == Some(IMAGE_GONE) => {
            tracing::info!("an image was deleted while it was made");
            work.report(EVENT, None);
            if let Err(fault) = work.update(TASKS, idle()).await {
                tracing::error!(error = %fault.chain(), "conductor could not be told that a server has nothing to do");
            }
        }
        Outcome::Undone { fault, .. } | Outcome::Stuck { fault, .. } => fail(work, &fault).await,
    }
}

/// The server is as it was; its action says why there is no image.
async fn fail(work: &Work, fault: &Fault) {
    work.report(EVENT, Some(fault));
    work.failed(fault, None).await;
}

impl Work {
    /// All about the server, asked for again and again.
    async fn insist_instance(&self) -> Result<Instance, Fault> {
        patiently(|| self.instance()).await
    }
}
