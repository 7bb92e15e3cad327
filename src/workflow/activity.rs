//! What runs in this process now, and what became of the rest: for the metrics page and for `cloudbox status`.
//!
//! Every run is here from its first step to its end; one that could not be taken back stays, as stuck, until it is tried
//! again. It is bookkeeping for people: nothing is decided by it, and a process begins with none of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kit::Timestamp;
use kit::ids::WorkflowId;
use serde::Serialize;

use crate::engine::Outcome;
use crate::record::{Direction, Record};

/// How many stuck runs are remembered; their records are in the journal all the same.
const STUCK_KEPT: usize = 1_000;

/// A run that has not ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Which run.
    pub id: WorkflowId,
    /// Its kind, such as `server.build`.
    pub kind: String,
    /// What it works on, such as a server's id.
    pub subject: String,
    /// The step that was started last.
    pub step: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether it can neither go on nor be taken back.
    pub stuck: bool,
    /// When it began in this process.
    pub since: Timestamp,
}

/// How runs of one kind have ended since this process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All steps were done.
    pub done: u64,
    /// It failed or was cancelled, and was taken back.
    pub undone: u64,
    /// It could not be taken back.
    pub stuck: u64,
}

#[derive(Default)]
struct Book {
    runs: BTreeMap<WorkflowId, Activity>,
    tallies: BTreeMap<String, Tally>,
}

static BOOK: Mutex<Book> = Mutex::new(Book { runs: BTreeMap::new(), tallies: BTreeMap::new() });

fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runs under way and the stuck ones, the oldest first.
#[must_use]
pub fn running() -> Vec<Activity> {
    let mut all: Vec<_> = book().runs.values().cloned().collect();
    all.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    all
}

/// How runs have ended, by kind.
#[must_use]
pub fn tallies() -> Vec<(String, Tally)> {
    book().tallies.iter().map(|(kind, tally)| (kind.clone(), *tally)).collect()
}

/// Keeps one run in the book until it ends or is dropped.
pub(crate) struct Entry {
    id: WorkflowId,
    stuck: bool,
}

impl Entry {
    /// Enters the run that `record` is about.
    pub(crate) fn begin(record: &Record, now: Timestamp) -> Self {
        let activity = Activity {
            id: record.id.clone(),
            kind: record.kind.clone(),
            subject: record.subject.clone(),
            step: record.step_name.clone(),
            direction: record.direction,
            stuck: false,
            since: now,
        };
        book().runs.insert(record.id.clone(), activity);
        Self { id: record.id.clone(), stuck: false }
    }

    /// Says where it is.
    pub(crate) fn at(&self, record: &Record) {
        if let Some(run) = book().runs.get_mut(&self.id) {
            run.step.clone_from(&record.step_name);
            run.direction = record.direction;
        }
    }

    /// Says how it ended.
    pub(crate) fn end<S>(mut self, outcome: &Outcome<S>) {
        let mut book = book();
        let remembered = book.runs.values().filter(|run| run.stuck).count();
        let Some(run) = book.runs.get_mut(&self.id) else { return };
        let kind = run.kind.clone();
        self.stuck = matches!(outcome, Outcome::Stuck { .. }) && remembered < STUCK_KEPT;
        run.stuck = self.stuck;
        let tally = book.tallies.entry(kind).or_default();
        match outcome {
            Outcome::Done(_) => tally.done += 1,
            Outcome::Undone { .. } => tally.undone += 1,
            Outcome::Stuck { .. } => tally.stuck += 1,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.stuck {
            book().runs.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use kit::Fault;

    use super::*;

    fn record(subject: &str) -> Record {
        Record {
            id: WorkflowId::random(),
            kind: format!("test.{subject}"),
            subject: subject.to_owned(),
            step: 0,
            step_name: "first".to_owned(),
            direction: Direction::Forward,
            state: serde_json::Value::Null,
            context: serde_json::Value::Null,
            fault: None,
            stuck: None,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn seen(subject: &str) -> Option<(String, bool)> {
        running().into_iter().find(|run| run.subject == subject).map(|run| (run.step, run.stuck))
    }

    fn tally(subject: &str) -> Option<Tally> {
        tallies().into_iter().find(|(kind, _)| *kind == format!("test.{subject}")).map(|(_, tally)| tally)
    }

    #[test]
    fn a_run_is_seen_until_it_ends_or_is_dropped() {
        let mut first = record("first");
        let entry = Entry::begin(&first, Timestamp::UNIX_EPOCH);
        assert_eq!(seen("first"), Some(("first".to_owned(), false)));
        first.step_name = "second".to_owned();
        entry.at(&first);
        assert_eq!(seen("first"), Some(("second".to_owned(), false)));
        entry.end(&Outcome::Done(()));
        assert_eq!((seen("first"), tally("first")), (None, Some(Tally { done: 1, ..Tally::default() })));
        drop(Entry::begin(&first, Timestamp::UNIX_EPOCH));
        assert_eq!(seen("first"), None);
    }

    #[test]
    fn a_stuck_run_stays_until_it_is_tried_again() {
        let stuck = record("stuck");
        let fault = || Fault::unavailable("no");
        let outcome = Outcome::<()>::Stuck { fault: fault(), step: "first".to_owned(), undo_fault: fault() };
        Entry::begin(&stuck, Timestamp::UNIX_EPOCH).end(&outcome);
        assert_eq!(seen("stuck"), Some(("first".to_owned(), true)));
        Entry::begin(&stuck, Timestamp::UNIX_EPOCH).end(&Outcome::Undone { fault: fault(), state: () });
        assert_eq!((seen("stuck"), tally("stuck")), (None, Some(Tally { undone: 1, stuck: 1, done: 0 })));
    }
}
