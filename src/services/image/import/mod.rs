//! Imports: long work on an image's bytes, and who owns it.
//!
//! The image's row says that a task has it, the task's row what was asked; a workflow does it, and its journal says where it
//! stands. After a restart what has a journal goes on, what was not begun is begun, and what ended without a word has failed.

pub mod ask;
pub mod bytes;
pub mod download;
#[cfg(test)]
mod harness;
pub mod place;
pub mod steps;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use journal::SqlJournal;
use kit::Fault;
use kit::ids::{ImageId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workflow::{Control, Journal as _, Outcome, Policy, Record, Start, Turns};

use crate::Images;
use crate::db::imports;
use crate::db::tasks::{self, Ending};
use crate::domain::content::Content;
use crate::domain::import::Method;
use crate::domain::task::{Task, TaskKind, TaskStatus};

/// The imports that run.
pub(crate) struct Imports {
    tasks: TaskTracker,
    stop: CancellationToken,
    places: Arc<Semaphore>,
    turns: Arc<Turns>,
}

impl Imports {
    /// At most `at_once` of them.
    pub fn new(at_once: usize) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            places: Arc::new(Semaphore::new(at_once.max(1))),
            turns: Arc::default(),
        }
    }

    /// Stops all of it where it stands; the journals say where.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Has the import of `id` take back what it did; whether there is one.
    pub fn cancel(&self, id: &ImageId) -> bool {
        self.turns.cancel(id.as_str())
    }
}

/// What a step works with.
pub(crate) struct Context {
    service: Arc<Images>,
}

/// What an import knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The task's id.
    pub task: String,
    /// The image.
    pub image_id: ImageId,
    /// How the bytes come.
    pub method: Method,
    /// Where they go.
    pub stores: Vec<String>,
    /// Whether they must get to all of them.
    pub all_must_succeed: bool,
    /// For the old way to import: what the image is to be, as its maker said.
    pub make: Option<Map<String, Value>>,
    /// The file of the staging area that holds the bytes by now.
    pub file: Option<String>,
    /// The format that was declared.
    pub declared: Option<String>,
    /// The format of the bytes by now.
    pub format: Option<String>,
    /// What the bytes are, once that is known.
    pub content: Option<Content>,
}

impl State {
    /// What a task of `kind` that was asked for by `input` begins with.
    fn of(task: &Task) -> Option<Self> {
        let input = &task.input;
        let (image_id, method, stores, make) = match task.kind {
            TaskKind::ApiImageImport => {
                let method = Method::deserialize(input.get("import_req")?.get("method")?).ok()?;
                (task.image_id.clone()?, method, Vec::deserialize(input.get("backend")?).ok()?, None)
            }
            TaskKind::Import => {
                let uri = input.get("import_from")?.as_str()?.to_owned();
                let make = input.get("image_properties")?.as_object()?.clone();
                // Its id is the task's: making it can be repeated.
                (ImageId::new(&task.id), Method::WebDownload { uri }, Vec::new(), Some(make))
            }
        };
        let all = input.get("import_req").and_then(|asked| asked.get("all_stores_must_succeed")?.as_bool());
        Some(Self {
            task: task.id.clone(),
            image_id,
            method,
            stores,
            all_must_succeed: all.unwrap_or(true),
            make,
            file: None,
            declared: None,
            format: None,
            content: None,
        })
    }
}

impl Images {
    /// Begins with `task`, whose row is there, in the background.
    pub(crate) fn begin_import(self: &Arc<Self>, task: &Task) {
        let Some(mut state) = State::of(task) else {
            tracing::error!(task_id = task.id, "a task's input makes no sense");
            return;
        };
        if state.stores.is_empty() {
            state.stores.push(self.stores.default_id().to_owned());
        }
        let (image, id) = (state.image_id.clone(), state.task.clone());
        self.spawn_import(image, id, move |context, control| async move {
            let journal = context.service.journal();
            let start = Start::new(state.image_id.to_string(), state.clone()).with_id(WorkflowId::new(&state.task));
            workflow::run(&steps::definition(), &context, start, &journal, &control).await
        });
    }

    fn journal(&self) -> SqlJournal {
        SqlJournal::new(self.store.clone(), "image_journals")
    }

    fn resume_import(self: &Arc<Self>, record: Record) {
        let (image, task) = (ImageId::new(&record.subject), record.id.to_string());
        self.spawn_import(image, task, move |context, control| async move {
            let journal = context.service.journal();
            let policy = Policy::Continue;
            match workflow::resume(&steps::definition(), &context, record, &journal, policy, &control).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    let fault = Fault::from(error);
                    Outcome::Stuck { step: String::new(), undo_fault: fault.clone(), fault }
                }
            }
        });
    }

    /// Runs one import of an image, after the one before.
    fn spawn_import<F, Run>(self: &Arc<Self>, image: ImageId, task: String, run: F)
    where
        F: FnOnce(Context, Control) -> Run + Send + 'static,
        Run: Future<Output = Outcome<State>> + Send + 'static,
    {
        let (service, turn) = (self.clone(), self.imports.turns.try_take(image.as_str()));
        self.imports.tasks.spawn(async move {
            let imports = &service.imports;
            let work = async {
                let turn = match turn {
                    Some(turn) => turn,
                    None => imports.turns.take(image.as_str()).await,
                };
                // The semaphore is never closed.
                let _place = tokio::select! {
                    place = imports.places.clone().acquire_owned() => place.ok(),
                    () = turn.cancel().cancelled() => None,
                };
                let control = Control::default().cancel(turn.cancel().clone()).clock(service.clock.clone());
                let outcome = run(Context { service: service.clone() }, control).await;
                if let Err(fault) = service.conclude(&image, &task, outcome).await {
                    tracing::error!(image_id = %image, error = %fault.chain(), "the end of an import could not be written");
                }
            };
            tokio::select! { () = imports.stop.cancelled() => {}, () = work => {} }
        });
    }

    /// Writes down how an import ended, where it did not end well.
    async fn conclude(&self, image: &ImageId, task: &str, outcome: Outcome<State>) -> Result<(), Fault> {
        let (fault, step) = match outcome {
            Outcome::Done(_) => return Ok(()),
            Outcome::Undone { fault, .. } => (fault, String::new()),
            Outcome::Stuck { fault, step, .. } => (fault, step),
        };
        tracing::warn!(image_id = %image, task_id = task, step, error = %fault.chain(), "an import failed");
        self.fail(image, task, fault.message()).await
    }

    /// Ends `task` as a failure, and lets go of its image.
    async fn fail(&self, image: &ImageId, task: &str, message: &str) -> Result<(), Fault> {
        self.staging.clear(image, None).await.map_err(crate::backends::disk_fault)?;
        let now = self.clock.now();
        let ending = self.ending(TaskStatus::Failure, None, message);
        let (image, task) = (image.clone(), task.to_owned());
        self.store
            .write(move |db| -> Result<(), Fault> {
                tasks::end(db, &task, &ending, now)?;
                Ok(imports::release(db, &image, &task, now)?)
            })
            .await
    }

    /// How a task ends now.
    fn ending(&self, status: TaskStatus, result: Option<Value>, message: &str) -> Ending {
        let kept = Duration::from_secs(u64::from(self.config.task_hours) * 3600);
        let now = self.clock.now();
        let expires_at = now.checked_add(kept).unwrap_or(now);
        Ending { status, result, message: message.to_owned(), expires_at }
    }

    /// The ids of images whose staged bytes are still needed by an import.
    pub(crate) async fn importing(&self) -> Result<HashSet<String>, Fault> {
        let unfinished = self.store.read(|db| tasks::unfinished(db).map_err(Fault::from)).await?;
        Ok(unfinished.into_iter().map(|task| task.image_id.map_or(task.id, |id| id.to_string())).collect())
    }

    /// Takes up what was cut off: journals first, then tasks that have none.
    pub(crate) async fn resume_imports(self: &Arc<Self>) -> Result<(), Fault> {
        let records = self.journal().unfinished().await?;
        let journaled: HashSet<String> = records.iter().map(|record| record.id.to_string()).collect();
        for record in records {
            self.resume_import(record);
        }
        let unfinished = self.store.read(|db| tasks::unfinished(db).map_err(Fault::from)).await?;
        for task in unfinished.into_iter().filter(|task| !journaled.contains(&task.id)) {
            if task.status == TaskStatus::Pending {
                self.begin_import(&task);
                continue;
            }
            let image = task.image_id.clone().unwrap_or_else(|| ImageId::new(&task.id));
            self.fail(&image, &task.id, "The import failed before a restart of the service.").await?;
        }
        Ok(())
    }

    /// Forgets tasks whose time is over, from time to time.
    pub(crate) async fn forget_tasks(&self) {
        const EVERY: Duration = Duration::from_secs(600);
        const AT_ONCE: i64 = 500;
        loop {
            let now = self.clock.now();
            match self.store.write_relaxed(move |db| tasks::forget(db, now, AT_ONCE).map_err(Fault::from)).await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "tasks whose time was over are forgotten"),
                Err(fault) => tracing::warn!(error = %fault.chain(), "tasks could not be forgotten"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// What a task that did what it was to do says.
fn result(image: &ImageId) -> Option<Value> {
    Some(json!({ "image_id": image.as_str() }))
}
