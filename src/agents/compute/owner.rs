//! One task owns a server and takes what is asked of it in order.
//!
//! A task exists while there is something to do. Its queue is bounded: a server of which too much is asked is busy.
//! `Terminate` interrupts what takes long: workflows unwind, the rest is dropped where it is.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::topics::compute_agent::{AttachVolume, DetachVolume};
use bus::topics::compute_types::RebootKind;
use futures_util::FutureExt as _;
use kit::ids::ServerId;
use kit::{Fault, RequestContext};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::agent::ComputeAgent;
use crate::guest::paths::check_id;
use crate::work::Work;
use crate::{build, delete, power, snapshot, volumes};

/// How many operations of one server wait.
const QUEUE: usize = 32;

/// Past how many waiting operations nobody looks what a guest does: there is room for what users ask.
const NO_LOOKING: usize = 8;

/// What is done to a server.
#[derive(Debug)]
pub(crate) enum Operation {
    /// `BuildInstance`.
    Build,
    /// Going on with a workflow of an earlier process.
    Resume(Box<workflow::Record>),
    /// `TerminateInstance`.
    Terminate,
    /// `StartInstance`.
    Start,
    /// `StopInstance`.
    Stop,
    /// `RebootInstance`.
    Reboot(RebootKind),
    /// `AttachVolume`.
    Attach(Box<AttachVolume>),
    /// `DetachVolume`.
    Detach(Box<DetachVolume>),
    /// `SnapshotInstance`.
    Snapshot,
    /// Starting a guest that was cut off, by a reboot of the host.
    Revive,
    /// Telling conductor what the guest does, where it does not know.
    Sync,
}

/// An operation, and for whom it is done.
#[derive(Debug)]
pub(crate) struct Job {
    /// For whom.
    pub context: RequestContext,
    /// What.
    pub operation: Operation,
}

/// The servers that something is being done to.
#[derive(Default)]
pub(crate) struct Owners(Mutex<HashMap<ServerId, Owner>>);

struct Owner {
    jobs: flume::Sender<Job>,
    interrupt: CancellationToken,
}

impl Owners {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerId, Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job of the server; where there is none, its task is not its owner any more.
    fn next(&self, id: &ServerId, queue: &flume::Receiver<Job>) -> Option<(Job, CancellationToken)> {
        let mut owners = self.lock();
        let Ok(job) = queue.try_recv() else {
            owners.remove(id);
            return None;
        };
        let owner = owners.get_mut(id)?;
        if matches!(job.operation, Operation::Terminate) {
            // What it interrupted is over: what comes after it is not interrupted.
            owner.interrupt = CancellationToken::new();
        }
        Some((job, owner.interrupt.clone()))
    }
}

impl ComputeAgent {
    /// Whether something is being done to the server.
    pub(crate) fn is_owned(&self, id: &ServerId) -> bool {
        self.owners.lock().contains_key(id)
    }

    /// Queues `job` with the server's task.
    ///
    /// # Errors
    /// Busy where too much is queued; unavailable while the agent stops; a 400 for what is no server's id.
    pub(crate) fn submit(self: &Arc<Self>, id: &ServerId, job: Job) -> Result<(), Fault> {
        check_id(id)?;
        if self.stopping.is_cancelled() {
            return Err(Fault::unavailable("The compute agent is stopping."));
        }
        let mut owners = self.owners.lock();
        if let Some(owner) = owners.get(id) {
            if matches!(job.operation, Operation::Terminate) {
                owner.interrupt.cancel();
            }
            if matches!(job.operation, Operation::Sync) && owner.jobs.len() >= NO_LOOKING {
                return Ok(());
            }
            let busy = |_| Fault::busy(format!("Too much is asked of instance {id}."), Duration::from_secs(5));
            return owner.jobs.try_send(job).map_err(busy);
        }
        let (jobs, queue) = flume::bounded(QUEUE);
        let full = |_| Fault::internal("queueing an operation", "an empty queue is full");
        jobs.try_send(job).map_err(full)?;
        owners.insert(id.clone(), Owner { jobs, interrupt: CancellationToken::new() });
        drop(owners);
        self.tasks.spawn(own(Arc::clone(self), id.clone(), queue));
        Ok(())
    }
}

/// Takes the server's operations until there are none.
async fn own(agent: Arc<ComputeAgent>, id: ServerId, queue: flume::Receiver<Job>) {
    while let Some((job, interrupt)) = agent.owners.next(&id, &queue) {
        let span = tracing::info_span!("server", server_id = %id, request_id = %job.context.request_id);
        let performed =
            AssertUnwindSafe(Box::pin(perform(&agent, &id, job, interrupt))).catch_unwind().instrument(span);
        tokio::select! {
            biased;
            () = agent.stopping.cancelled() => {
                agent.owners.lock().remove(&id);
                return;
            }
            ended = performed => {
                if ended.is_err() {
                    tracing::error!(server_id = %id, "an operation panicked");
                }
            }
        }
    }
}

async fn perform(agent: &Arc<ComputeAgent>, id: &ServerId, job: Job, interrupt: CancellationToken) {
    let work = Work::new(Arc::clone(agent), id.clone(), job.context);
    match job.operation {
        Operation::Build => build::build(work, &interrupt).await,
        Operation::Resume(record) => resume(work, *record, &interrupt).await,
        Operation::Terminate => delete::terminate(work).await,
        Operation::Attach(message) => volumes::attach::attach(work, *message).await,
        Operation::Snapshot => snapshot::snapshot(work, &interrupt).await,
        Operation::Detach(message) => volumes::detach::detach(work, *message, &interrupt).await,
        operation => {
            let done = power::run(&work, operation);
            if interrupt.run_until_cancelled(done).await.is_none() {
                tracing::info!(server_id = %id, "an operation was cut off because the server is deleted");
            }
        }
    }
}

async fn resume(work: Work, record: workflow::Record, interrupt: &CancellationToken) {
    match record.kind.as_str() {
        build::KIND => build::resume(work, record, interrupt).await,
        delete::KIND => delete::resume(work, record).await,
        volumes::attach::KIND => volumes::attach::resume(work, record).await,
        volumes::detach::KIND => volumes::detach::resume(work, record, interrupt).await,
        snapshot::KIND => snapshot::resume(work, record, interrupt).await,
        kind => tracing::error!(workflow_id = %record.id, kind, "the journal has a workflow that is not known here"),
    }
}
