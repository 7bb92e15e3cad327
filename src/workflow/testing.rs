//! Holds a workflow to what the engine asks of its functions: for the tests of every crate that defines one.
//!
//! A [`Harness`] says how to make a clean world (fakes, a throw-away database), a context on it, and
//! how to tell that the world is clean or as if the workflow had run once. Then [`all`] runs the
//! workflow again and again, each time in a new world:
//! * [`repeat_each`]: every step is run twice, as after a crash; then every undo;
//! * [`fail_each`]: every step fails, before and after its effect; undos fail once on the way back;
//! * [`cancel_each`]: the run is cancelled in every step;
//! * [`crash_each`]: the process dies before and after every save of the journal, going forward and
//!   unwinding, and a new one resumes the run; also when that one dies in turn.

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kit::Fault;
use kit::ids::WorkflowId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::control::{Control, Retry};
use crate::definition::{Definition, Half, Step};
use crate::engine::{Outcome, Policy, Start, resume, run};
use crate::journal::{BoxFuture, Journal};
use crate::memory::MemoryJournal;
use crate::record::{Direction, Record};

/// What the world must be like after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// As if the workflow had never been started.
    Clean,
    /// As if it had run once, from its first step to its last.
    Done,
}

/// A workflow under test, and the world that it works in.
#[expect(async_fn_in_trait, reason = "tests await these in place; nothing spawns them")]
pub trait Harness {
    /// What the steps work on: it outlives a crash.
    type World;
    /// The steps' context: it does not.
    type Context: Sync + 'static;
    /// The workflow's state.
    type State: Serialize + DeserializeOwned + Send + 'static;

    /// The workflow.
    fn definition(&self) -> Definition<Self::Context, Self::State>;

    /// A new, clean world.
    async fn world(&self) -> Self::World;

    /// A new context on `world`, as a new process would make it.
    async fn context(&self, world: &Self::World) -> Self::Context;

    /// The state that a run in `world` begins with.
    fn state(&self, world: &Self::World) -> Self::State;

    /// Panics, naming `case`, where `world` is not as `expected`.
    async fn check(&self, world: &Self::World, expected: Expected, case: &str);
}

/// All of [`repeat_each`], [`fail_each`], [`cancel_each`] and [`crash_each`].
///
/// # Panics
/// Where the workflow does not hold; the message names the case.
pub async fn all<H: Harness>(harness: &H) {
    repeat_each(harness).await;
    fail_each(harness).await;
    cancel_each(harness).await;
    crash_each(harness).await;
}

/// Runs every step twice, the second time from the state before the first; then, with each step failing in
/// turn, every undo twice.
///
/// # Panics
/// Where the world is not as if each had run once.
pub async fn repeat_each<H: Harness>(harness: &H) {
    let definition = harness.definition();
    for (number, name) in definition.step_names().enumerate() {
        let altered = alter(&definition, number, |step| Step { run: twice(step.run), ..step });
        ended(harness, &altered, Expected::Done, format_args!("step {name} ran twice")).await;

        let mut altered = alter(&definition, number, |step| Step { run: fails(step.run, After), ..step });
        for undone in 0..=number {
            altered = alter(&altered, undone, |step| Step { undo: twice(step.undo), ..step });
        }
        let case = format_args!("step {name} failed and every undo ran twice");
        ended(harness, &altered, Expected::Clean, case).await;
    }
}

/// Lets every step fail, before and after its effect, and every undo on the way back fail once.
///
/// # Panics
/// Where the world is not clean afterwards.
pub async fn fail_each<H: Harness>(harness: &H) {
    let definition = harness.definition();
    for (number, name) in definition.step_names().enumerate() {
        for when in [Before, After] {
            let failing = alter(&definition, number, |step| Step { run: fails(step.run, when), ..step });
            ended(harness, &failing, Expected::Clean, format_args!("step {name} failed {when:?} its effect")).await;
            for (undone, undo_name) in definition.step_names().enumerate().take(number + 1) {
                for undo_when in [Before, After] {
                    let altered =
                        alter(&failing, undone, |step| Step { undo: fails_once(step.undo, undo_when), ..step });
                    let case = format_args!(
                        "step {name} failed {when:?} its effect, then the undo of {undo_name} once {undo_when:?} its own"
                    );
                    ended(harness, &altered, Expected::Clean, case).await;
                }
            }
        }
    }
}

/// Cancels the run in every step, when the step has had its effect and has not ended.
///
/// # Panics
/// Where the world is not clean afterwards.
pub async fn cancel_each<H: Harness>(harness: &H) {
    let definition = harness.definition();
    for (number, name) in definition.step_names().enumerate() {
        let token = CancellationToken::new();
        let altered = alter(&definition, number, |step| Step { run: cancels(step.run, token.clone()), ..step });
        let world = harness.world().await;
        let context = harness.context(&world).await;
        let journal = MemoryJournal::default();
        let start = Start::new("subject", harness.state(&world));
        let outcome = run(&altered, &context, start, &journal, &control().cancel(token)).await;
        let case = format!("cancelled in step {name}");
        assert_outcome(&outcome, Expected::Clean, &case);
        assert!(journal.records().is_empty(), "{case}: the journal still has a record");
        harness.check(&world, Expected::Clean, &case).await;
    }
}

/// Stops dead before and after every save of the journal, then resumes, with either policy, with a new context;
/// both when all goes well and with each step failing in turn.
///
/// # Panics
/// Where the world is neither clean nor as if the workflow had run once, whichever the case asks for.
pub async fn crash_each<H: Harness>(harness: &H) {
    let definition = harness.definition();
    crash_at_each_point(harness, &definition, Expected::Done, "all went well").await;
    for (number, name) in definition.step_names().enumerate() {
        let failing = alter(&definition, number, |step| Step { run: fails(step.run, After), ..step });
        crash_at_each_point(harness, &failing, Expected::Clean, &format!("step {name} failed")).await;
    }
}

async fn crash_at_each_point<H: Harness>(
    harness: &H,
    definition: &Definition<H::Context, H::State>,
    ending: Expected,
    story: &str,
) {
    for policy in [Policy::Continue, Policy::Unwind] {
        for second in [false, true] {
            let mut point = 0;
            while crash_at(harness, definition, ending, (point, policy, second), story).await {
                point += 1;
            }
            assert!(point > 0, "the workflow never used its journal");
        }
    }
}

/// Crashes one run at journal point `point`, and with `second` also the run that resumes it, after its first
/// save. Answers false when the run ended before that point.
async fn crash_at<H: Harness>(
    harness: &H,
    definition: &Definition<H::Context, H::State>,
    ending: Expected,
    (point, policy, second): (usize, Policy, bool),
    story: &str,
) -> bool {
    let case = format!("{story}, the process died at journal point {point}, then {policy:?} (died again: {second})");
    let world = harness.world().await;
    let kept = MemoryJournal::default();
    let crashing = CrashingJournal::new(kept.clone(), point);
    let context = harness.context(&world).await;
    let start = Start::new("subject", harness.state(&world));
    if crashing.until_crash(run(definition, &context, start, &crashing, &control())).await.is_some() {
        return false;
    }
    drop(context);

    let original = harness.definition();
    if second && let Some(record) = kept.records().pop() {
        let context = harness.context(&world).await;
        let again = CrashingJournal::new(kept.clone(), 1);
        let control = control();
        let resumed = resume(&original, &context, record, &again, policy, &control);
        assert!(again.until_crash(resumed).await.is_none(), "{case}: a resumed run saves its step before it starts");
    }
    let expected = match kept.records().pop() {
        Some(record) => {
            let forward = record.direction == Direction::Forward && policy == Policy::Continue;
            let expected = if forward { Expected::Done } else { Expected::Clean };
            let context = harness.context(&world).await;
            let outcome = resume(&original, &context, record, &kept, policy, &control()).await;
            match outcome {
                Ok(outcome) => assert_outcome(&outcome, expected, &case),
                Err(error) => fail(&case, &error),
            }
            expected
        }
        // Nothing was saved yet, or all was over.
        None if crashing.saves.load(Ordering::SeqCst) == 0 => Expected::Clean,
        None => ending,
    };
    assert!(kept.records().is_empty(), "{case}: the journal still has a record");
    harness.check(&world, expected, &case).await;
    true
}

/// Runs `definition` in a new world, and checks how it ended and what the world is like.
async fn ended<H: Harness>(
    harness: &H,
    definition: &Definition<H::Context, H::State>,
    expected: Expected,
    case: impl Display,
) {
    let case = case.to_string();
    let world = harness.world().await;
    let context = harness.context(&world).await;
    let journal = MemoryJournal::default();
    let start = Start::new("subject", harness.state(&world));
    let outcome = run(definition, &context, start, &journal, &control()).await;
    assert_outcome(&outcome, expected, &case);
    assert!(journal.records().is_empty(), "{case}: the journal still has a record");
    harness.check(&world, expected, &case).await;
}

fn assert_outcome<S>(outcome: &Outcome<S>, expected: Expected, case: &str) {
    match (outcome, expected) {
        (Outcome::Done(_), Expected::Done) | (Outcome::Undone { .. }, Expected::Clean) => {}
        (Outcome::Done(_), Expected::Clean) => fail(case, &"it ended well, but should have been undone"),
        (Outcome::Undone { fault, .. }, Expected::Done) => fail(case, &format_args!("undone: {}", fault.chain())),
        (Outcome::Stuck { step, undo_fault, .. }, _) => {
            fail(case, &format_args!("stuck at the undo of {step}: {}", undo_fault.chain()));
        }
    }
}

#[expect(clippy::panic, reason = "a helper of tests: a failure here is a failed test")]
fn fail(case: &str, what: &dyn Display) -> ! {
    panic!("{case}: {what}")
}

/// Undos are tried three times in a row.
fn control() -> Control {
    Control::default().retry(Retry { attempts: 3, pause: Duration::ZERO, longest: Duration::ZERO })
}

fn alter<C, S>(
    definition: &Definition<C, S>,
    number: usize,
    change: impl FnOnce(Step<C, S>) -> Step<C, S>,
) -> Definition<C, S> {
    let mut altered = definition.clone();
    if let Some(step) = altered.steps.get_mut(number) {
        *step = change(step.clone());
    }
    altered
}

/// Whether an injected failure comes before or after the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}
use When::{After, Before};

fn injected() -> Result<(), Fault> {
    Err(Fault::unavailable("A failure that the test harness injected."))
}

/// Runs `half` twice, the second time from the state before the first, as after a crash.
fn twice<C: Sync + 'static, S: Serialize + DeserializeOwned + Send + 'static>(half: Half<C, S>) -> Half<C, S> {
    Arc::new(move |context, state| {
        let half = Arc::clone(&half);
        Box::pin(async move {
            let unreadable = |error| Fault::internal("copying a workflow's state", error);
            let before = serde_json::to_value(&*state).map_err(unreadable)?;
            half(context, state).await?;
            *state = serde_json::from_value(before).map_err(unreadable)?;
            half(context, state).await
        })
    })
}

/// Lets `half` fail each time.
fn fails<C: Sync + 'static, S: Send + 'static>(half: Half<C, S>, when: When) -> Half<C, S> {
    Arc::new(move |context, state| {
        let half = Arc::clone(&half);
        Box::pin(async move {
            if when == After {
                half(context, state).await?;
            }
            injected()
        })
    })
}

/// Lets `half` fail the first time.
fn fails_once<C: Sync + 'static, S: Send + 'static>(half: Half<C, S>, when: When) -> Half<C, S> {
    let failed = Arc::new(AtomicBool::new(false));
    Arc::new(move |context, state| {
        let (half, failed) = (Arc::clone(&half), Arc::clone(&failed));
        Box::pin(async move {
            let first = !failed.swap(true, Ordering::SeqCst);
            if !(first && when == Before) {
                half(context, state).await?;
            }
            if first { injected() } else { Ok(()) }
        })
    })
}

/// Cancels `token` once `half` has had its effect, and then never ends.
fn cancels<C: Sync + 'static, S: Send + 'static>(half: Half<C, S>, token: CancellationToken) -> Half<C, S> {
    Arc::new(move |context, state| {
        let (half, token) = (Arc::clone(&half), token.clone());
        Box::pin(async move {
            half(context, state).await?;
            token.cancel();
            pending().await
        })
    })
}

/// A journal that stops dead at one point, as if the process had died there: points are counted from 0, before
/// and after each entry.
#[derive(Debug)]
pub struct CrashingJournal {
    kept: MemoryJournal,
    at: usize,
    next: AtomicUsize,
    saves: AtomicUsize,
    crashed: Notify,
}

impl CrashingJournal {
    /// A journal that keeps its records in `kept` and dies at point `at`.
    #[must_use]
    pub fn new(kept: MemoryJournal, at: usize) -> Self {
        Self { kept, at, next: AtomicUsize::new(0), saves: AtomicUsize::new(0), crashed: Notify::new() }
    }

    /// Awaits `running` up to the crash, and drops it there; `None` when it came to that.
    pub async fn until_crash<T>(&self, running: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.crashed.notified() => None,
            ended = running => Some(ended),
        }
    }

    async fn point(&self) {
        if self.next.fetch_add(1, Ordering::SeqCst) == self.at {
            self.crashed.notify_one();
            pending().await
        }
    }
}

impl Journal for CrashingJournal {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.point().await;
            self.kept.save(record).await?;
            self.saves.fetch_add(1, Ordering::SeqCst);
            self.point().await;
            Ok(())
        })
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.point().await;
            self.kept.finish(id).await?;
            self.point().await;
            Ok(())
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        self.kept.unfinished()
    }
}
