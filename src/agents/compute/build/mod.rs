//! Building a server: the workflow `server.build` (steps B8 to B16 of a boot).
//!
//! ```text
//! image ─▶ network ─▶ volumes ─▶ attach ─▶ disks ─▶ spawn ─▶ ACTIVE
//!            ◀────────── on failure, each gives back ──────┘ BuildFailed
//! ```
//! What is asked of other services carries the user's token; what is given back goes in the agent's own name. Ids of new
//! volumes are chosen before the first step. The journal holds no secret: the server is read again when a build is resumed.

mod disks;
mod image;
mod network;
mod spawn;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::topics::compute_types::{BlockDestination, BlockSource, Instance, TaskState, Vif, VmState};
use bus::topics::conductor::{BuildFailed, InstanceChange};
use bus::topics::volume::{ConnectionInfo, GetVolume};
use kit::ids::{AttachmentId, ServerId, VolumeId};
use kit::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use workflow::{Control, Definition, Direction, Outcome, Policy, Start};

use crate::guest::record::Base;
use crate::guest::spec::Connected;
use crate::journal::BusJournal;
use crate::work::{Work, resumed_context};

/// The workflow's kind.
pub(crate) const KIND: &str = "server.build";
/// The event of the instance action.
const EVENT: &str = "compute__do_build_and_run_instance";
/// The code of a fault that says that the server is deleted, or not ours any more.
const GONE: &str = "InstanceGone";
/// The code of a fault that any other host would meet as well.
const ABORTED: &str = "BuildAborted";
/// The tasks that a server may have while it is built.
const BUILDING: &[Option<TaskState>] = &[
    None,
    Some(TaskState::Scheduling),
    Some(TaskState::Networking),
    Some(TaskState::BlockDeviceMapping),
    Some(TaskState::Spawning),
];

/// A volume of a server that is being built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// The mapping's number.
    pub block_device: i64,
    /// Which volume: given, or chosen for the one to make.
    pub volume_id: VolumeId,
    /// Whether it is made by this build.
    pub made: bool,
    /// The attachment, once it is known.
    pub attachment_id: Option<AttachmentId>,
    /// How it is reached, once it is attached.
    pub connection: Option<ConnectionInfo>,
}

/// The root disk's base, and its own size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    /// The image in the cache.
    pub base: Base,
    /// In bytes.
    pub size: u64,
}

/// The workflow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Build {
    /// The server.
    pub server_id: ServerId,
    /// Its volumes.
    pub volumes: Vec<Planned>,
    /// Its root disk, where that is local.
    pub root: Option<Root>,
    /// The image's hardware properties.
    pub properties: BTreeMap<String, String>,
    /// Its interfaces, wired.
    pub vifs: Vec<Vif>,
}

impl Build {
    /// The volumes that are attached.
    fn connected(&self) -> Vec<Connected> {
        let connected = |volume: &Planned| {
            let connection = volume.connection.clone()?;
            Some(Connected { block_device: volume.block_device, volume_id: volume.volume_id.clone(), connection })
        };
        self.volumes.iter().filter_map(connected).collect()
    }
}

/// What the steps work with.
pub(crate) struct Building {
    /// The operation.
    pub work: Work,
    /// The server; none where it is gone and there is only to give back.
    pub instance: Option<Instance>,
}

impl Building {
    /// The server.
    fn instance(&self) -> Result<&Instance, Fault> {
        self.instance.as_ref().ok_or_else(|| gone(&self.work.server_id))
    }

    /// Changes the row, if the server is still being built.
    async fn advance(&self, task: TaskState, change: InstanceChange) -> Result<(), Fault> {
        let change = InstanceChange { task_state: Some(Some(task)), ..change };
        if self.work.update(BUILDING, change).await? { Ok(()) } else { Err(gone(&self.work.server_id)) }
    }
}

fn gone(id: &ServerId) -> Fault {
    Fault::conflict(format!("Instance {id} disappeared while it was built.")).with_code(GONE)
}

/// A failure that another host would meet as well.
fn aborted(id: &ServerId, why: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Internal, format!("Build of instance {id} aborted: {why}")).with_code(ABORTED)
}

/// The steps.
pub(crate) fn definition() -> Definition<Building, Build> {
    Definition::new(KIND)
        .step_without_undo("image", image::fetch)
        .step("network", network::allocate, network::give_back)
        .step("volumes", volumes::make, volumes::remove)
        .step("attach", volumes::attach, volumes::detach)
        .step("disks", disks::make, disks::remove)
        .step("spawn", spawn::spawn, spawn::remove)
}

/// What a build of `instance` begins with.
///
/// # Errors
/// Where the volume service cannot say what became of a volume that an earlier attempt made.
pub(crate) async fn plan(work: &Work, instance: &Instance) -> Result<Build, Fault> {
    let mut volumes = Vec::new();
    for device in instance.block_devices.iter().filter(|device| device.destination == BlockDestination::Volume) {
        let made = device.source != BlockSource::Volume;
        let volume_id = match &device.volume_id {
            Some(id) if !made || is_usable(work, id).await? => id.clone(),
            None if !made => return Err(aborted(&instance.id, "a block device has no volume")),
            _ => VolumeId::random(),
        };
        let attachment_id = device.attachment_id.clone().filter(|_| !made);
        volumes.push(Planned { block_device: device.id, volume_id, made, attachment_id, connection: None });
    }
    let (root, properties, vifs) = (None, BTreeMap::new(), Vec::new());
    Ok(Build { server_id: instance.id.clone(), volumes, root, properties, vifs })
}

/// Whether a volume that an earlier attempt made is there and not on its way out.
async fn is_usable(work: &Work, id: &VolumeId) -> Result<bool, Fault> {
    match work.ask_own(GetVolume { volume_id: id.clone() }).await {
        Ok(volume) => Ok(!volume.status.starts_with("error") && volume.status != "deleting"),
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Builds the server, unless it is built or deleted already.
pub(crate) async fn build(work: Work, interrupt: &CancellationToken) {
    let instance = match crate::work::patiently(|| work.instance()).await {
        Ok(instance) => instance,
        Err(fault) if fault.kind() == FaultKind::NotFound => {
            tracing::info!("a server is gone before it was built");
            return;
        }
        Err(fault) => return fail(&work, fault).await,
    };
    if !is_to_be_built(&work, &instance) {
        tracing::info!(vm_state = %instance.vm_state, "a server is not to be built here, or not any more");
        return;
    }
    let turn = Arc::clone(&work.agent.builds).acquire_owned();
    let Some(Ok(_turn)) = interrupt.run_until_cancelled(turn).await else { return };
    let state = match plan(&work, &instance).await {
        Ok(state) => state,
        Err(fault) => return fail(&work, fault).await,
    };
    let start = Start::new(work.server_id.as_str(), state).with_context(work.journaled());
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    let building = Building { work, instance: Some(instance) };
    let outcome = workflow::run(&definition(), &building, start, &journal, &control).await;
    end(&building, outcome, interrupt).await;
}

/// Goes on with a build that a restart cut off, or takes it back where the server is not wanted any more.
pub(crate) async fn resume(work: Work, record: workflow::Record, interrupt: &CancellationToken) {
    let work = Work::new(work.agent, work.server_id, resumed_context(&record));
    let instance = match crate::work::patiently(|| work.instance()).await {
        Ok(instance) => Some(instance),
        Err(fault) if fault.kind() == FaultKind::NotFound => None,
        Err(fault) => {
            tracing::error!(error = %fault.chain(), "a build cannot be resumed before the next start");
            return;
        }
    };
    let wanted = instance.as_ref().is_some_and(|instance| {
        instance.task_state != Some(TaskState::Deleting) && instance.host.as_ref() == Some(&work.agent.host)
    });
    let policy = if wanted && record.direction == Direction::Forward { Policy::Continue } else { Policy::Unwind };
    let Ok(_turn) = Arc::clone(&work.agent.builds).acquire_owned().await else { return };
    let (journal, control) = (BusJournal::of(&work.agent), Control::default().cancel(interrupt.clone()));
    let building = Building { work, instance: instance.filter(|_| wanted) };
    match workflow::resume(&definition(), &building, record, &journal, policy, &control).await {
        Ok(outcome) if wanted => end(&building, outcome, interrupt).await,
        Ok(_) => tracing::info!("what was built of a server that is not wanted any more has been given back"),
        Err(error) => tracing::error!(error = %Fault::from(error).chain(), "a build cannot be resumed"),
    }
}

fn is_to_be_built(work: &Work, instance: &Instance) -> bool {
    instance.vm_state == VmState::Building
        && instance.task_state != Some(TaskState::Deleting)
        && instance.host.as_ref() == Some(&work.agent.host)
}

async fn end(building: &Building, outcome: Outcome<Build>, interrupt: &CancellationToken) {
    let work = &building.work;
    match outcome {
        Outcome::Done(build) => {
            disks::tell_names(building, &build);
            work.report(EVENT, None);
        }
        Outcome::Undone { fault, .. } if interrupt.is_cancelled() || fault.code() == Some(GONE) => {
            tracing::info!("a build was stopped, because its server is deleted");
            work.report(EVENT, Some(&fault));
        }
        Outcome::Undone { fault, .. } => fail(work, fault).await,
        Outcome::Stuck { fault, .. } => {
            // The host stays the server's, so that deleting it gives back the rest.
            work.report(EVENT, Some(&fault));
            work.failed(&fault, Some(VmState::Error)).await;
        }
    }
}

/// Tells conductor that nothing came of it here. With the user's token, as another host may be asked.
async fn fail(work: &Work, fault: Fault) {
    work.report(EVENT, Some(&fault));
    let retry = another_host_may_help(&fault);
    let failed = BuildFailed { server_id: work.server_id.clone(), host: work.agent.host.clone(), fault, retry };
    if let Err(error) = crate::work::patiently(|| work.ask(failed.clone())).await {
        tracing::error!(error = %error.chain(), "conductor could not be told of a failed build");
    }
}

/// Whether what failed here may succeed on another host.
fn another_host_may_help(fault: &Fault) -> bool {
    let of_this_host = matches!(
        fault.kind(),
        FaultKind::Internal | FaultKind::Unavailable | FaultKind::Busy | FaultKind::Timeout | FaultKind::NotImplemented
    );
    of_this_host && fault.code() != Some(ABORTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_is_tried_where_this_one_is_to_blame() {
        for (fault, retry) in [
            (Fault::internal("x", "y"), true),
            (Fault::timeout("x"), true),
            (Fault::bad_request("x"), false),
            (Fault::unauthorized("x"), false),
            (Fault::over_quota("x"), false),
            (aborted(&ServerId::random(), "x"), false),
        ] {
            assert_eq!(another_host_may_help(&fault), retry, "{fault:?}");
        }
    }
}
