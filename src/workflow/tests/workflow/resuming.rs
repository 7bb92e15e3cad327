//! What an earlier process left in the journal is gone on with, or taken back.

use kit::ids::WorkflowId;
use serde_json::json;
use workflow::testing::CrashingJournal;
use workflow::{Direction, MemoryJournal, Outcome, Policy, Record, ResumeError, Start, resume, run};

use crate::support::{State, Trouble, World, control, definition};

const STEPS: [&str; 3] = ["a", "b", "c"];

/// A world and its journal, in which the process died after `point` journal points.
async fn died_at(point: usize) -> (World, MemoryJournal, Record) {
    let (world, journal) = (World::default(), MemoryJournal::default());
    let crashing = CrashingJournal::new(journal.clone(), point);
    let start = Start::new("server-1", State::default()).with_context(json!({"request_id": "req-1"}));
    let control = control();
    let definition = definition(&STEPS);
    let running = run(&definition, &world, start, &crashing, &control);
    assert!(crashing.until_crash(running).await.is_none());
    let record = journal.records().pop().unwrap();
    world.take_log();
    (world, journal, record)
}

#[tokio::test]
async fn a_record_says_which_step_was_started_and_from_what_state() {
    let (_world, _journal, record) = died_at(3).await;
    assert_eq!((record.step, record.step_name.as_str(), record.direction), (1, "b", Direction::Forward));
    assert_eq!(record.state, json!({"done": ["a"]}));
    assert_eq!((record.kind.as_str(), record.subject.as_str()), ("test", "server-1"));
    assert_eq!(record.context, json!({"request_id": "req-1"}));
    assert!(record.fault.is_none() && record.stuck.is_none());
}

#[tokio::test]
async fn continuing_repeats_the_step_that_was_started() {
    let (world, journal, record) = died_at(3).await;
    let outcome = resume(&definition(&STEPS), &world, record, &journal, Policy::Continue, &control()).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(state) if state.done == STEPS));
    assert_eq!(world.take_log(), "+b +c");
    assert!(journal.records().is_empty());
}

#[tokio::test]
async fn unwinding_undoes_the_step_that_was_started() {
    let (world, journal, record) = died_at(3).await;
    let outcome = resume(&definition(&STEPS), &world, record, &journal, Policy::Unwind, &control()).await.unwrap();
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.message().contains("restart")));
    assert_eq!(world.take_log(), "-b -a");
    assert!(world.things().is_empty() && journal.records().is_empty());
}

#[tokio::test]
async fn unwinding_goes_on_whatever_the_policy() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+c", Trouble::After, 1);
    // Saves: a, b, c, then undo c and undo b: the process dies after the fifth.
    let crashing = CrashingJournal::new(journal.clone(), 9);
    let control = control();
    let definition = definition(&STEPS);
    let running = run(&definition, &world, Start::new("s", State::default()), &crashing, &control);
    assert!(crashing.until_crash(running).await.is_none());
    world.take_log();
    let record = journal.records().pop().unwrap();
    let outcome = resume(&definition, &world, record, &journal, Policy::Continue, &control).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Undone { fault, .. } if fault.message() == "+c failed"),
        "the first fault stays"
    );
    assert_eq!(world.take_log(), "-b -a");
}

#[tokio::test]
async fn a_stuck_workflow_is_tried_again() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+b", Trouble::Before, 1);
    world.trouble("-a", Trouble::Before, 3);
    let definition = definition(&STEPS);
    let outcome = run(&definition, &world, Start::new("s", State::default()), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Stuck { .. }));
    let record = journal.records().pop().unwrap();
    let outcome = resume(&definition, &world, record, &journal, Policy::Continue, &control()).await.unwrap();
    assert!(matches!(outcome, Outcome::Undone { .. }));
    assert!(world.things().is_empty() && journal.records().is_empty());
}

#[tokio::test]
async fn a_step_is_found_by_its_name_when_the_definition_has_changed() {
    let (world, journal, record) = died_at(3).await;
    let newer = definition(&["a", "new", "b", "c"]);
    resume(&newer, &world, record, &journal, Policy::Continue, &control()).await.unwrap();
    assert_eq!(world.take_log(), "+b +c");
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_refused_and_kept() {
    let (world, journal, record) = died_at(3).await;
    let attempt = async |record: Record| {
        resume(&definition(&STEPS), &world, record, &journal, Policy::Continue, &control()).await.unwrap_err()
    };
    let error = attempt(Record { kind: "other".to_owned(), ..record.clone() }).await;
    assert!(matches!(error, ResumeError::WrongKind { .. }), "{error}");
    let error = attempt(Record { step_name: "gone".to_owned(), ..record.clone() }).await;
    assert!(matches!(error, ResumeError::UnknownStep { .. }), "{error}");
    let error = attempt(Record { state: json!(7), ..record.clone() }).await;
    assert!(matches!(error, ResumeError::State { .. }), "{error}");
    assert_eq!(world.take_log(), "");
    assert_eq!(journal.records().len(), 1);
}

#[test]
fn a_record_survives_its_bytes() {
    let text = json!({
        "id": "w1", "kind": "server.build", "subject": "s1", "step": 2, "step_name": "network",
        "direction": "unwinding", "state": {"done": []}, "context": null,
        "fault": {"kind": "Conflict", "message": "no", "code": null, "retry_after": null},
        "stuck": null, "updated_at": "2026-11-22T13:30:34Z"
    });
    let record: Record = serde_json::from_value(text.clone()).unwrap();
    assert_eq!((record.id.clone(), record.direction), (WorkflowId::new("w1"), Direction::Unwinding));
    assert_eq!(serde_json::to_value(&record).unwrap(), text);
}
