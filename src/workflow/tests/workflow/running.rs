//! Runs in one process: in order, back again, cancelled, stuck.

use std::time::Duration;

use kit::FaultKind;
use workflow::{CancellationToken, Direction, MemoryJournal, Outcome, Start, run};

use crate::support::{State, Trouble, World, control, definition, watched};

fn start() -> Start<State> {
    Start::new("server-1", State::default())
}

#[tokio::test]
async fn steps_run_in_order_and_are_reported() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    let (control, seen) = watched();
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control).await;
    assert!(matches!(outcome, Outcome::Done(state) if state.done == ["a", "b"]));
    assert_eq!(world.take_log(), "+a +b");
    assert!(journal.records().is_empty());
    let expected =
        ["1/2 a forward started", "1/2 a forward finished", "2/2 b forward started", "2/2 b forward finished"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_workflow_without_steps_is_done() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    let outcome = run(&definition(&[]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Done(_)));
}

#[tokio::test]
async fn a_failed_step_is_undone_with_all_before_it() {
    for trouble in [Trouble::Before, Trouble::After] {
        let (world, journal) = (World::default(), MemoryJournal::default());
        world.trouble("+b", trouble, 1);
        let (control, seen) = watched();
        let outcome = run(&definition(&["a", "b", "c"]), &world, start(), &journal, &control).await;
        let Outcome::Undone { fault, state } = outcome else { panic!("{outcome:?}") };
        assert_eq!((fault.kind(), fault.message()), (FaultKind::Conflict, "+b failed"));
        assert_eq!(state, State::default());
        assert_eq!(world.take_log(), "+a +b -b -a");
        assert!(world.things().is_empty() && journal.records().is_empty());
        assert_eq!(seen.lock().unwrap()[3], "2/3 b forward failed: +b failed");
        assert_eq!(seen.lock().unwrap()[4], "2/3 b unwinding started");
    }
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+b", Trouble::Panic, 1);
    world.trouble("-a", Trouble::Panic, 1);
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.kind() == FaultKind::Internal));
    assert_eq!(world.take_log(), "+a +b -b -a -a");
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn a_step_without_end_is_given_up() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+b", Trouble::Hang, 1);
    let definition = definition(&["a", "b"]).time_limit(Duration::from_millis(20));
    let outcome = run(&definition, &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.kind() == FaultKind::Timeout));
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn an_undo_is_tried_again() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+b", Trouble::After, 1);
    world.trouble("-a", Trouble::Before, 2);
    let outcome = run(&definition(&["a", "b"]), &world, start(), &journal, &control()).await;
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.message() == "+b failed"));
    assert_eq!(world.take_log(), "+a +b -b -a -a -a");
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn an_undo_that_always_fails_leaves_a_record_that_says_so() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+c", Trouble::Before, 1);
    world.trouble("-b", Trouble::Before, 3);
    let outcome = run(&definition(&["a", "b", "c"]), &world, start(), &journal, &control()).await;
    let Outcome::Stuck { fault, step, undo_fault } = outcome else { panic!("{outcome:?}") };
    assert_eq!((fault.message(), step.as_str(), undo_fault.message()), ("+c failed", "b", "-b failed"));
    assert_eq!(world.take_log(), "+a +b +c -c -b -b -b");
    let record = journal.records().pop().unwrap();
    assert_eq!((record.direction, record.step_name.as_str()), (Direction::Unwinding, "b"));
    assert_eq!(record.fault.unwrap().message(), "+c failed");
    assert_eq!(record.stuck.unwrap().message(), "-b failed");
}

#[tokio::test]
async fn a_run_cancelled_before_it_starts_does_nothing() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    let token = CancellationToken::new();
    token.cancel();
    let outcome = run(&definition(&["a"]), &world, start(), &journal, &control().cancel(token)).await;
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.code() == Some("Cancelled")));
    assert_eq!(world.take_log(), "");
    assert!(journal.records().is_empty());
}

#[tokio::test]
async fn a_step_that_hangs_is_cancelled_and_undone() {
    let (world, journal) = (World::default(), MemoryJournal::default());
    world.trouble("+b", Trouble::Hang, 1);
    let token = CancellationToken::new();
    let running = tokio::spawn({
        let (world, journal, control) = (world.clone(), journal.clone(), control().cancel(token.clone()));
        async move { run(&definition(&["a", "b", "c"]), &world, start(), &journal, &control).await }
    });
    while !world.things().contains(&"b".to_owned()) {
        tokio::task::yield_now().await;
    }
    token.cancel();
    let outcome = running.await.unwrap();
    assert!(matches!(outcome, Outcome::Undone { fault, .. } if fault.code() == Some("Cancelled")));
    assert_eq!(world.take_log(), "+a +b -b -a");
    assert!(world.things().is_empty() && journal.records().is_empty());
}
