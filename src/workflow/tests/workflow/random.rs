//! Random workflows with random failures and crashes end as they should: all of it or nothing.

use proptest::prelude::*;
use workflow::testing::CrashingJournal;
use workflow::{Direction, MemoryJournal, Outcome, Policy, Start, resume, run};

use crate::support::{NAMES, State, Trouble, World, control, definition};

/// Undos are tried this often by one process.
const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone)]
struct Story {
    steps: usize,
    /// A half (`+a`, `-b`), how it fails, how often.
    troubles: Vec<(String, Trouble, u32)>,
    /// At which journal point each process in turn dies, and what the next one's policy is.
    crashes: Vec<(usize, Policy)>,
}

fn story() -> impl Strategy<Value = Story> {
    let half =
        (prop_oneof![Just('+'), Just('-')], 0..NAMES.len()).prop_map(|(sign, at)| format!("{sign}{}", NAMES[at]));
    let trouble = prop_oneof![Just(Trouble::Before), Just(Trouble::After)];
    let troubles = prop::collection::vec((half, trouble, 1..5_u32), 0..3);
    let policy = prop_oneof![Just(Policy::Continue), Just(Policy::Unwind)];
    let crashes = prop::collection::vec((0..16_usize, policy), 0..4);
    (1..=NAMES.len(), troubles, crashes).prop_map(|(steps, troubles, crashes)| Story { steps, troubles, crashes })
}

/// How the last process that ended by itself ended; `None` when one died before anything was recorded, or after
/// the end was.
async fn play(story: &Story, world: &World, journal: &MemoryJournal) -> Result<Option<Outcome<State>>, TestCaseError> {
    let definition = definition(&NAMES[..story.steps]);
    let mut crashes = story.crashes.iter();
    let mut policy = Policy::Continue;
    let mut first = true;
    loop {
        let crash = crashes.next();
        let living = CrashingJournal::new(journal.clone(), crash.map_or(usize::MAX, |(point, _)| *point));
        let control = control();
        let outcome = if first {
            living.until_crash(run(&definition, world, Start::new("s", State::default()), &living, &control)).await
        } else {
            let Some(record) = journal.records().pop() else { return Ok(None) };
            let unwinding = record.direction == Direction::Unwinding || policy == Policy::Unwind;
            let resumed = resume(&definition, world, record, &living, policy, &control);
            let outcome = living.until_crash(resumed).await.transpose().unwrap();
            if unwinding {
                prop_assert!(!matches!(outcome, Some(Outcome::Done(_))), "unwinding was turned round");
            }
            outcome
        };
        first = false;
        match (outcome, crash) {
            (Some(outcome), _) => return Ok(Some(outcome)),
            (None, Some((_, next))) => policy = *next,
            (None, None) => prop_assert!(false, "it died without being told to"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn all_or_nothing(story in story()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (world, journal) = (World::default(), MemoryJournal::default());
        for (half, trouble, times) in &story.troubles {
            world.trouble(half, *trouble, *times);
        }
        let outcome = runtime.block_on(play(&story, &world, &journal))?;
        let all = NAMES[..story.steps].to_vec();
        let things = world.things();
        match outcome {
            Some(Outcome::Done(state)) => {
                prop_assert_eq!(&things, &all);
                prop_assert_eq!(state.done, all);
                prop_assert!(journal.records().is_empty());
            }
            Some(Outcome::Undone { .. }) => {
                prop_assert!(things.is_empty(), "left behind: {:?}", things);
                prop_assert!(journal.records().is_empty());
            }
            Some(Outcome::Stuck { step, .. }) => {
                let undo = format!("-{step}");
                prop_assert!(story.troubles.iter().any(|(half, _, times)| *half == undo && *times >= ATTEMPTS));
                let record = journal.records().pop();
                prop_assert!(record.is_some_and(|record| record.stuck.is_some() && record.step_name == step));
            }
            None => prop_assert!(things.is_empty() || things == all, "half of it: {:?}", things),
        }
    }
}
