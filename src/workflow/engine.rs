//! Runs a workflow forward, and back when it fails.
//!
//! Before a step (or an undo) starts, the record is saved with it in it; the state that the step before left
//! is in the same record, so that one save per step is all there is. Around each step and each undo there is a point at
//! which tests let the process die ([`kit::crash`]).

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, Instant};

use kit::ids::WorkflowId;
use kit::{Fault, crash};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::activity::Entry;
use crate::control::{Control, Event, Progress};
use crate::definition::{Definition, Half, Step};
use crate::journal::Journal;
use crate::record::{Direction, Record};

/// What a new run begins with.
#[derive(Debug, Clone)]
pub struct Start<S> {
    id: WorkflowId,
    subject: String,
    context: serde_json::Value,
    state: S,
}

impl<S> Start<S> {
    /// A run with a new id that works on `subject`, such as a server's id, from `state`.
    #[must_use]
    pub fn new(subject: impl Into<String>, state: S) -> Self {
        Self { id: WorkflowId::random(), subject: subject.into(), context: serde_json::Value::Null, state }
    }

    /// With an id that is known already.
    #[must_use]
    pub fn with_id(mut self, id: WorkflowId) -> Self {
        self.id = id;
        self
    }

    /// With data of the service's own, such as the request context, that its record carries along.
    #[must_use]
    pub fn with_context(mut self, context: serde_json::Value) -> Self {
        self.context = context;
        self
    }

    /// The id that the run will have.
    #[must_use]
    pub fn id(&self) -> &WorkflowId {
        &self.id
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome<S> {
    /// All steps are done.
    Done(S),
    /// A step failed, or the run was cancelled; all that was done has been taken back.
    Undone {
        /// Why.
        fault: Fault,
        /// The state after the last undo.
        state: S,
    },
    /// It could not be taken back; the record stays in the journal and says so.
    Stuck {
        /// Why it was to be taken back.
        fault: Fault,
        /// The step whose undo failed.
        step: String,
        /// How the undo failed.
        undo_fault: Fault,
    },
}

/// What to do with a workflow that was going forward when the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Repeat the step that was running and go on.
    Continue,
    /// Take back what has been done.
    Unwind,
}

/// Why a record cannot be resumed; the record is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The record is of another kind of workflow.
    #[error("workflow {id} is of kind {found}, not {expected}")]
    WrongKind {
        /// The run.
        id: WorkflowId,
        /// The record's kind.
        found: String,
        /// The definition's kind.
        expected: &'static str,
    },
    /// The definition has no such step any more.
    #[error("workflow {id} of kind {kind} was at step {step}, which this version does not know")]
    UnknownStep {
        /// The run.
        id: WorkflowId,
        /// Its kind.
        kind: String,
        /// The step.
        step: String,
    },
    /// The state cannot be read.
    #[error("the state of workflow {id} of kind {kind} cannot be read")]
    State {
        /// The run.
        id: WorkflowId,
        /// Its kind.
        kind: String,
        /// Why not.
        source: serde_json::Error,
    },
}

impl From<ResumeError> for Fault {
    fn from(error: ResumeError) -> Self {
        Self::internal("resuming a workflow", error)
    }
}

/// Runs `definition` from its first step to its end, or back.
///
/// When the future is dropped, the run stops where it is, as after a crash: its record is in the journal.
pub async fn run<C, S>(
    definition: &Definition<C, S>,
    context: &C,
    start: Start<S>,
    journal: &dyn Journal,
    control: &Control,
) -> Outcome<S>
where
    C: Sync,
    S: Serialize + DeserializeOwned + Send,
{
    let record = Record {
        id: start.id,
        kind: definition.kind.to_owned(),
        subject: start.subject,
        step: 0,
        step_name: String::new(),
        direction: Direction::Forward,
        state: serde_json::Value::Null,
        context: start.context,
        fault: None,
        stuck: None,
        updated_at: control.clock.now(),
    };
    crash::point(definition.kind, "begin", "before");
    let entry = Entry::begin(&record, control.clock.now());
    let engine = Engine { definition, context, journal, control, record, state: start.state, entry: &entry };
    let outcome = engine.forward(0, None).await;
    entry.end(&outcome);
    outcome
}

/// Goes on with a workflow that an earlier process left in the journal.
///
/// One that was unwinding goes on unwinding, whatever `policy` says; a stuck one is tried again.
///
/// # Errors
/// [`ResumeError`] where the record does not fit the definition.
pub async fn resume<C, S>(
    definition: &Definition<C, S>,
    context: &C,
    mut record: Record,
    journal: &dyn Journal,
    policy: Policy,
    control: &Control,
) -> Result<Outcome<S>, ResumeError>
where
    C: Sync,
    S: Serialize + DeserializeOwned + Send,
{
    let id = record.id.clone();
    if record.kind != definition.kind {
        return Err(ResumeError::WrongKind { id, found: record.kind, expected: definition.kind });
    }
    let Some(step) = definition.step_names().position(|name| name == record.step_name) else {
        return Err(ResumeError::UnknownStep { id, kind: record.kind, step: record.step_name });
    };
    let state = match S::deserialize(&record.state) {
        Ok(state) => state,
        Err(source) => return Err(ResumeError::State { id, kind: record.kind, source }),
    };
    record.stuck = None;
    let unwinds = record.direction == Direction::Unwinding || policy == Policy::Unwind;
    let fault =
        record.fault.clone().unwrap_or_else(|| Fault::unavailable("The operation was interrupted by a restart."));
    tracing::info!(workflow_id = %id, kind = definition.kind, subject = %record.subject, step = %record.step_name, unwinds,
        "resuming a workflow");
    let entry = Entry::begin(&record, control.clock.now());
    let engine = Engine { definition, context, journal, control, record, state, entry: &entry };
    let outcome = if unwinds { engine.unwind(step, fault).await } else { engine.forward(step, Some(step)).await };
    entry.end(&outcome);
    Ok(outcome)
}

struct Engine<'e, C, S> {
    definition: &'e Definition<C, S>,
    context: &'e C,
    journal: &'e dyn Journal,
    control: &'e Control,
    record: Record,
    state: S,
    entry: &'e Entry,
}

impl<C, S> Engine<'_, C, S>
where
    C: Sync,
    S: Serialize + DeserializeOwned + Send,
{
    /// Runs the steps from `from` on; `started` is the last one that may have effects.
    async fn forward(mut self, from: usize, mut started: Option<usize>) -> Outcome<S> {
        let definition = self.definition;
        for (number, step) in definition.steps.iter().enumerate().skip(from) {
            let fault = match self.step_forward(number, step, &mut started).await {
                Ok(()) => continue,
                Err(fault) => fault,
            };
            tracing::warn!(workflow_id = %self.record.id, kind = self.definition.kind, subject = %self.record.subject,
                step = step.name, fault = %fault.chain(), "a step failed; unwinding");
            let Some(last) = started else {
                // Nothing has started, but a save that failed may have left its record all the same.
                self.finish().await;
                return Outcome::Undone { fault, state: self.state };
            };
            return self.unwind(last, fault).await;
        }
        self.finish().await;
        Outcome::Done(self.state)
    }

    async fn step_forward(
        &mut self,
        number: usize,
        step: &Step<C, S>,
        started: &mut Option<usize>,
    ) -> Result<(), Fault> {
        let cancel = self.control.cancel.clone();
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        self.mark(number, step, Direction::Forward).await?;
        *started = Some(number);
        crash::point(self.definition.kind, step.name, "before");
        self.report(number, step, Event::Started);
        let begun = Instant::now();
        let call = call(&step.run, self.context, &mut self.state, self.definition.time_limit);
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            result = call => result,
        };
        crash::point(self.definition.kind, step.name, "after");
        self.report_end(number, step, begun, &result);
        result
    }

    /// Undoes the steps from `from` back to the first.
    async fn unwind(mut self, from: usize, fault: Fault) -> Outcome<S> {
        let definition = self.definition;
        self.record.fault = Some(fault.clone());
        for (number, step) in definition.steps.iter().enumerate().take(from + 1).rev() {
            if let Err(undo_fault) = self.mark(number, step, Direction::Unwinding).await {
                // While the journal says that it goes forward, nothing may be undone: the next process would
                // go on from the middle of nothing. Later on an old record only repeats some undos.
                if number == from {
                    return self.stuck(step, fault, undo_fault).await;
                }
            }
            if let Err(undo_fault) = self.undo(number, step).await {
                return self.stuck(step, fault, undo_fault).await;
            }
        }
        self.finish().await;
        Outcome::Undone { fault, state: self.state }
    }

    async fn undo(&mut self, number: usize, step: &Step<C, S>) -> Result<(), Fault> {
        let mut attempt = 1;
        loop {
            crash::point(self.definition.kind, step.name, "undo-before");
            self.report(number, step, Event::Started);
            let begun = Instant::now();
            let result = call(&step.undo, self.context, &mut self.state, self.definition.time_limit).await;
            crash::point(self.definition.kind, step.name, "undo-after");
            self.report_end(number, step, begun, &result);
            let (Err(fault), Some(pause)) = (&result, self.control.retry.pause_after(attempt)) else { return result };
            tracing::warn!(workflow_id = %self.record.id, kind = self.definition.kind, step = step.name, attempt,
                fault = %fault.chain(), "an undo failed; trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Records that `step` cannot be undone, for somebody to look at.
    async fn stuck(mut self, step: &Step<C, S>, fault: Fault, undo_fault: Fault) -> Outcome<S> {
        tracing::error!(workflow_id = %self.record.id, kind = self.definition.kind, subject = %self.record.subject,
            step = step.name, fault = %fault.chain(), undo_fault = %undo_fault.chain(),
            "a workflow is stuck: it can neither go on nor be undone");
        self.record.stuck = Some(undo_fault.clone());
        self.record.updated_at = self.control.clock.now();
        if let Err(error) = self.journal.save(&self.record).await {
            tracing::error!(workflow_id = %self.record.id, error = %error.chain(), "nor could that be recorded");
        }
        Outcome::Stuck { fault, step: step.name.to_owned(), undo_fault }
    }

    /// Saves that `step`, or its undo, is about to start, and the state that it starts from.
    async fn mark(&mut self, number: usize, step: &Step<C, S>, direction: Direction) -> Result<(), Fault> {
        self.record.state =
            serde_json::to_value(&self.state).map_err(|error| Fault::internal("writing a workflow's state", error))?;
        self.record.step = number;
        step.name.clone_into(&mut self.record.step_name);
        self.record.direction = direction;
        self.record.updated_at = self.control.clock.now();
        self.entry.at(&self.record);
        let mut attempt = 1;
        loop {
            let Err(fault) = self.journal.save(&self.record).await else { return Ok(()) };
            tracing::warn!(workflow_id = %self.record.id, step = step.name, attempt, fault = %fault.chain(),
                "a step could not be written to the journal");
            let Some(pause) = self.control.retry.pause_after(attempt) else { return Err(fault) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Takes the record out of the journal. Where that fails, the last step runs again after the next start,
    /// as it may.
    async fn finish(&self) {
        let mut attempt = 1;
        while let Err(fault) = self.journal.finish(&self.record.id).await {
            let pause = self.control.retry.pause_after(attempt);
            tracing::error!(workflow_id = %self.record.id, attempt, last = pause.is_none(), fault = %fault.chain(),
                "the end of a workflow could not be written to the journal");
            let Some(pause) = pause else { return };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
        crash::point(self.definition.kind, "finish", "after");
    }

    fn report_end(&self, number: usize, step: &Step<C, S>, begun: Instant, result: &Result<(), Fault>) {
        let micros = kit::trace::micros(begun.elapsed());
        let event = match result {
            Ok(()) => Event::Finished { micros },
            Err(fault) => Event::Failed { micros, fault: fault.clone() },
        };
        self.report(number, step, event);
    }

    fn report(&self, number: usize, step: &Step<C, S>, event: Event) {
        if let Some(watch) = &self.control.progress {
            watch(&Progress {
                record: &self.record,
                name: step.name,
                step: number + 1,
                steps: self.definition.steps.len(),
                direction: self.record.direction,
                event,
            });
        }
    }
}

/// Calls one half of a step; a panic and a time-out are faults like any other.
async fn call<C, S>(half: &Half<C, S>, context: &C, state: &mut S, limit: Duration) -> Result<(), Fault> {
    let mut future = half(context, state);
    let caught = poll_fn(move |task| {
        // What the future borrows may be half-changed after a panic; undos expect no less.
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task)))
            .unwrap_or_else(|_| Poll::Ready(Err(Fault::internal("running a step of a workflow", "it panicked"))))
    });
    match tokio::time::timeout(limit, caught).await {
        Ok(result) => result,
        Err(_elapsed) => Err(Fault::timeout("A step of the operation did not end in time.")),
    }
}

fn cancelled() -> Fault {
    Fault::conflict("The operation was cancelled.").with_code("Cancelled")
}
