//! The service's long work, and who owns it.
//!
//! A volume's row says what it should become; a workflow makes it so. When an agent registers, what was cut off is
//! resumed from its record, and what left no record (the power went before it was written) is begun anew from the row.

mod create;
mod delete;
#[cfg(test)]
mod harness;

use std::sync::Arc;

use bus::topics::volume_agent::VolumeSource;
use journal::SqlJournal;
use kit::ids::{HostId, VolumeId};
use kit::{Fault, FaultKind, RequestContext};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workflow::{Control, Definition, Journal as _, Outcome, Policy, Record, Start, Turn, Turns};

use crate::Volumes;
use crate::db::volumes;
use crate::domain::volume::{Status, Volume};

/// How many volumes are made or deleted at once.
const AT_ONCE: usize = 4;

/// What a volume is while it is made.
const MAKING: &[Status] = &[Status::Creating, Status::Downloading];
/// What a volume is while it is deleted.
const UNMAKING: &[Status] = &[Status::Deleting];

/// The workflows that run.
pub struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
    places: Arc<Semaphore>,
    /// Whose turn it is with which volume.
    pub(crate) turns: Arc<Turns>,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            turns: Arc::default(),
        }
    }
}

impl Running {
    /// Stops all of it where it stands; the records say where.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What a step works with.
pub(crate) struct Context {
    service: Arc<Volumes>,
    request: RequestContext,
}

/// What a workflow knows of its volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    volume_id: VolumeId,
    host: Option<HostId>,
    source: Option<VolumeSource>,
}

impl Volumes {
    /// Makes `volume`, whose row is there, in the background.
    pub(crate) fn make(self: &Arc<Self>, request: &RequestContext, volume: &Volume) {
        self.begin_work(create::definition, MAKING, request, &volume.id);
    }

    /// Deletes `volume`, whose row says so, in the background.
    pub(crate) fn unmake(self: &Arc<Self>, request: &RequestContext, volume: &Volume) {
        self.begin_work(delete::definition, UNMAKING, request, &volume.id);
    }

    pub(crate) fn journal(&self) -> SqlJournal {
        SqlJournal::new(self.store.clone(), "volume_journals")
    }

    /// Begins with what a status of `wanted` asks for, in the volume's turn. Its status may be another by then.
    fn begin_work(
        self: &Arc<Self>,
        definition: fn() -> Definition<Context, State>,
        wanted: &'static [Status],
        request: &RequestContext,
        id: &VolumeId,
    ) {
        let (turn, volume_id) = (self.work.turns.try_take(id.as_str()), id.clone());
        self.spawn(request, id, turn, move |context| async move {
            let found = context.service.volume(&volume_id).await;
            let volume = match found {
                Ok(volume) if wanted.contains(&volume.status) => volume,
                Ok(_) => return,
                Err(fault) if fault.kind() == FaultKind::NotFound => return,
                Err(fault) => return tracing::error!(%volume_id, error = %fault.chain(), "a volume could not be read"),
            };
            let host = volume.place.map(|(host, _)| host);
            let start = Start::new(volume_id.to_string(), State { volume_id: volume_id.clone(), host, source: None });
            let journal = context.service.journal();
            let outcome = workflow::run(&definition(), &context, start, &journal, &Control::default()).await;
            context.service.conclude(&volume_id, outcome).await;
        });
    }

    /// Goes on with what `record` tells of, unless that is under way.
    fn resume_work(self: &Arc<Self>, record: Record) {
        let definition = match record.kind.as_str() {
            create::NAME => create::definition(),
            delete::NAME => delete::definition(),
            other => return tracing::error!(kind = other, "a journal of this kind is not known"),
        };
        let id = VolumeId::new(&record.subject);
        let Some(turn) = self.work.turns.try_take(id.as_str()) else { return };
        self.spawn(&RequestContext::service("volume"), &id.clone(), Some(turn), move |context| async move {
            let journal = context.service.journal();
            let control = Control::default();
            let outcome = workflow::resume(&definition, &context, record, &journal, Policy::Continue, &control).await;
            let outcome = outcome.unwrap_or_else(|error| {
                let fault = Fault::from(error);
                Outcome::Stuck { step: String::new(), undo_fault: fault.clone(), fault }
            });
            context.service.conclude(&id, outcome).await;
        });
    }

    /// Runs `work` on a volume in `turn`, or in the next that there is.
    fn spawn<F, Run>(self: &Arc<Self>, request: &RequestContext, id: &VolumeId, turn: Option<Turn>, work: F)
    where
        F: FnOnce(Context) -> Run + Send + 'static,
        Run: Future<Output = ()> + Send + 'static,
    {
        let (service, id, request) = (self.clone(), id.clone(), request.clone().without_deadline());
        self.work.tasks.spawn(async move {
            let running = &service.work;
            let in_turn = async {
                let _turn = match turn {
                    Some(turn) => turn,
                    None => running.turns.take(id.as_str()).await,
                };
                // The semaphore is never closed.
                let _place = running.places.clone().acquire_owned().await;
                work(Context { service: service.clone(), request }).await;
            };
            tokio::select! { () = running.stop.cancelled() => {}, () = in_turn => {} }
        });
    }

    /// Writes down how a workflow ended, where it did not end well.
    async fn conclude(&self, id: &VolumeId, outcome: Outcome<State>) {
        let (fault, step) = match outcome {
            Outcome::Done(_) => return,
            Outcome::Undone { fault, .. } => (fault, String::new()),
            Outcome::Stuck { fault, step, .. } => (fault, step),
        };
        tracing::warn!(volume_id = %id, step, error = %fault.chain(), "work on a volume failed");
        let (subject, now) = (id.clone(), self.clock.now());
        let write = move |db: &store::Connection| -> Result<(), Fault> {
            volumes::change_status(db, &subject, MAKING, Status::Error, now)?;
            volumes::change_status(db, &subject, UNMAKING, Status::ErrorDeleting, now)?;
            Ok(())
        };
        if let Err(fault) = self.store.write(write).await {
            tracing::error!(volume_id = %id, error = %fault.chain(), "a volume's status could not be written");
        }
    }

    /// Takes up what was cut off: records first, then rows that say more than the records.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), Fault> {
        for record in self.journal().unfinished().await? {
            self.resume_work(record);
        }
        let words = MAKING.iter().chain(UNMAKING).map(|status| status.as_str().into());
        let condition = http_kit::Condition::is_in("status", words);
        let left = self.store.read(move |db| volumes::list(db, condition, "volume_volumes.id", -1, 0)).await?;
        let request = RequestContext::service("volume");
        for volume in left {
            match volume.status {
                Status::Deleting => self.unmake(&request, &volume),
                _ => self.make(&request, &volume),
            }
        }
        Ok(())
    }
}
