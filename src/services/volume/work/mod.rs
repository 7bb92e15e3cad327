//! The service's long work, and who owns it.
//!
//! A volume's row says what it should become; a workflow makes it so. When an agent registers, what was cut off is
//! resumed from its record, and what left no record (the power went before it was written) is begun anew from the row.

mod create;
mod delete;
#[cfg(test)]
mod harness;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bus::topics::volume_agent::VolumeSource;
use journal::SqlJournal;
use kit::ids::{HostId, VolumeId};
use kit::{Fault, RequestContext};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workflow::{Control, Definition, Journal as _, Outcome, Policy, Record, Start};

use crate::Volumes;
use crate::db::volumes;
use crate::domain::volume::{Status, Volume};

/// How many volumes are made or deleted at once.
const AT_ONCE: usize = 4;

/// The workflows that run.
pub struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
    places: Arc<Semaphore>,
    subjects: Mutex<HashSet<VolumeId>>,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            subjects: Mutex::default(),
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

    fn begin(&self, id: &VolumeId) -> bool {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone())
    }

    fn end(&self, id: &VolumeId) {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
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
        self.begin_work(create::definition(), request, volume);
    }

    /// Deletes `volume`, whose row says so, in the background.
    pub(crate) fn unmake(self: &Arc<Self>, request: &RequestContext, volume: &Volume) {
        self.begin_work(delete::definition(), request, volume);
    }

    pub(crate) fn journal(&self) -> SqlJournal {
        SqlJournal::new(self.store.clone(), "volume_journals")
    }

    fn begin_work(self: &Arc<Self>, definition: Definition<Context, State>, request: &RequestContext, volume: &Volume) {
        let host = volume.place.as_ref().map(|(host, _)| host.clone());
        let state = State { volume_id: volume.id.clone(), host, source: None };
        self.spawn(request, volume.id.clone(), move |context| async move {
            let journal = context.service.journal();
            let start = Start::new(state.volume_id.to_string(), state);
            workflow::run(&definition, &context, start, &journal, &Control::default()).await
        });
    }

    fn resume_work(self: &Arc<Self>, record: Record) {
        let definition = match record.kind.as_str() {
            create::NAME => create::definition(),
            delete::NAME => delete::definition(),
            other => return tracing::error!(kind = other, "a journal of this kind is not known"),
        };
        let id = VolumeId::new(&record.subject);
        self.spawn(&RequestContext::service("volume"), id, move |context| async move {
            let journal = context.service.journal();
            let control = Control::default();
            match workflow::resume(&definition, &context, record, &journal, Policy::Continue, &control).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    let fault = Fault::from(error);
                    Outcome::Stuck { step: String::new(), undo_fault: fault.clone(), fault }
                }
            }
        });
    }

    /// Runs one workflow of a volume, unless one runs already.
    fn spawn<F, Run>(self: &Arc<Self>, request: &RequestContext, id: VolumeId, run: F)
    where
        F: FnOnce(Context) -> Run + Send + 'static,
        Run: Future<Output = Outcome<State>> + Send + 'static,
    {
        if !self.work.begin(&id) {
            return;
        }
        let request = request.clone().without_deadline();
        let service = self.clone();
        self.work.tasks.spawn(async move {
            let work = async {
                // The semaphore is never closed.
                let _place = service.work.places.clone().acquire_owned().await;
                let outcome = run(Context { service: service.clone(), request }).await;
                if let Err(fault) = service.conclude(&id, outcome).await {
                    tracing::error!(volume_id = %id, error = %fault.chain(), "a volume's status could not be written");
                }
            };
            tokio::select! { () = service.work.stop.cancelled() => {}, () = work => {} }
            service.work.end(&id);
        });
    }

    /// Writes down how a workflow ended, where it did not end well.
    async fn conclude(&self, id: &VolumeId, outcome: Outcome<State>) -> Result<(), Fault> {
        let (fault, step) = match outcome {
            Outcome::Done(_) => return Ok(()),
            Outcome::Undone { fault, .. } => (fault, String::new()),
            Outcome::Stuck { fault, step, .. } => (fault, step),
        };
        tracing::warn!(volume_id = %id, step, error = %fault.chain(), "work on a volume failed");
        let (id, now) = (id.clone(), self.clock.now());
        self.store
            .write(move |db| -> Result<(), Fault> {
                let making = [Status::Creating, Status::Downloading];
                volumes::change_status(db, &id, &making, Status::Error, now)?;
                volumes::change_status(db, &id, &[Status::Deleting], Status::ErrorDeleting, now)?;
                Ok(())
            })
            .await
    }

    /// Takes up what was cut off: records first, then rows that say more than the records.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), Fault> {
        for record in self.journal().unfinished().await? {
            self.resume_work(record);
        }
        let unfinished = [Status::Creating, Status::Downloading, Status::Deleting];
        let words = unfinished.iter().map(|status| status.as_str().into());
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
