//! A journal that fails must never leave a world that the next process cannot put right.

use std::sync::Mutex;

use kit::Fault;
use kit::ids::WorkflowId;
use workflow::{BoxFuture, Direction, Journal, MemoryJournal, Outcome, Record, Start, run};

use crate::support::{State, Trouble, World, control, definition};

/// Fails for the entries that it is told to fail for.
struct Failing<F> {
    kept: MemoryJournal,
    fails: F,
    finishes: Mutex<u32>,
}

impl<F: Fn(Option<&Record>) -> bool + Send + Sync> Failing<F> {
    fn new(fails: F) -> Self {
        Self { kept: MemoryJournal::default(), fails, finishes: Mutex::new(0) }
    }

    fn answer(&self, record: Option<&Record>) -> Result<(), Fault> {
        if (self.fails)(record) { Err(Fault::unavailable("the journal is away")) } else { Ok(()) }
    }
}

impl<F: Fn(Option<&Record>) -> bool + Send + Sync> Journal for Failing<F> {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.answer(Some(record))?;
            self.kept.save(record).await
        })
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            *self.finishes.lock().unwrap() += 1;
            self.answer(None)?;
            self.kept.finish(id).await
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        self.kept.unfinished()
    }
}

fn start() -> Start<State> {
    Start::new("s", State::default())
}

#[tokio::test]
async fn a_step_that_cannot_be_recorded_is_not_started() {
    let world = World::default();
    let journal = Failing::new(|record| record.is_some_and(|record| record.step_name == "b"));
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.message() == "the journal is away"));
    assert_eq!(world.take_log(), "+a -a");
    assert!(journal.kept.records().is_empty());
}

#[tokio::test]
async fn when_not_even_the_first_step_can_be_recorded_nothing_has_happened() {
    let world = World::default();
    let journal = Failing::new(|record| record.is_some());
    let outcome = run(&definition(&["a"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { .. }));
    assert_eq!(world.take_log(), "");
    assert_eq!(*journal.finishes.lock().unwrap(), 1, "a save that failed may have left a record");
}

#[tokio::test]
async fn nothing_is_undone_while_the_journal_says_forward() {
    let world = World::default();
    world.trouble("+b", Trouble::After, 1);
    let journal = Failing::new(|record| record.is_some_and(|record| record.direction == Direction::Unwinding));
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Stuck { step, .. } if step == "b"));
    assert_eq!(world.take_log(), "+a +b");
    let record = journal.kept.records().pop().unwrap();
    assert_eq!((record.direction, record.step_name.as_str()), (Direction::Forward, "b"));
}

#[tokio::test]
async fn once_unwinding_is_recorded_the_journal_may_fail() {
    let world = World::default();
    world.trouble("+b", Trouble::After, 1);
    let journal = Failing::new(|record| {
        record.is_some_and(|record| record.direction == Direction::Unwinding && record.step_name == "a")
    });
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { .. }));
    assert_eq!(world.take_log(), "+a +b -b -a");
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn what_is_done_is_done_even_when_the_journal_does_not_hear_of_it() {
    let world = World::default();
    let journal = Failing::new(|record| record.is_none());
    let outcome = run(&definition(&["a"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Done(_)));
    assert_eq!(*journal.finishes.lock().unwrap(), 3);
    assert_eq!(journal.kept.records().len(), 1, "the step is repeated after the next start");
}
