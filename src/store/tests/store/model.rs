//! However jobs come together in groups, the outcome is that of running them one after the other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::{Connection, Error, Migrations, params, query, testing};

const MIGRATIONS: Migrations = Migrations {
    service: "test",
    steps: &["CREATE TABLE pairs (key INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;"],
};

#[derive(Debug, Clone, Copy)]
enum Ending {
    Ok,
    Err,
    Panic,
}

#[derive(Debug, Clone)]
struct Job {
    durable: bool,
    /// Inserts; one whose key is there already is an error.
    pairs: Vec<(i64, i64)>,
    deletes: Vec<i64>,
    ending: Ending,
}

fn job() -> impl Strategy<Value = Job> {
    let ending = prop_oneof![6 => Just(Ending::Ok), 2 => Just(Ending::Err), 1 => Just(Ending::Panic)];
    let pairs = prop::collection::vec((0_i64..12, 0_i64..100), 0..4);
    (any::<bool>(), pairs, prop::collection::vec(0_i64..12, 0..3), ending)
        .prop_map(|(durable, pairs, deletes, ending)| Job { durable, pairs, deletes, ending })
}

fn run(db: &Connection, job: &Job) -> Result<usize, Error> {
    let mut changed = 0;
    for key in &job.deletes {
        changed += query::execute(db, "DELETE FROM pairs WHERE key = ?1", [key])?;
    }
    for (key, value) in &job.pairs {
        changed += query::execute(db, "INSERT INTO pairs (key, value) VALUES (?1, ?2)", params![key, value])?;
    }
    match job.ending {
        Ending::Ok => Ok(changed),
        Ending::Err => Err(Error::NoRow),
        Ending::Panic => panic!("a defect in a job"),
    }
}

/// The same on a map.
fn model(pairs: &mut BTreeMap<i64, i64>, job: &Job) -> Option<usize> {
    let mut next = pairs.clone();
    let mut changed = job.deletes.iter().filter(|key| next.remove(key).is_some()).count();
    for (key, value) in &job.pairs {
        if next.insert(*key, *value).is_some() {
            return None;
        }
        changed += 1;
    }
    if !matches!(job.ending, Ending::Ok) {
        return None;
    }
    *pairs = next;
    Some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn groups_are_as_one_after_the_other(jobs in prop::collection::vec(job(), 1..60)) {
        let mut expected_pairs = BTreeMap::new();
        let expected: Vec<_> = jobs.iter().map(|job| model(&mut expected_pairs, job)).collect();

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (answers, pairs) = runtime.block_on(async {
            let store = testing::store(&[MIGRATIONS]);
            // Tasks of this runtime start in the order in which they were spawned, so the queue has that order too.
            let tasks: Vec<_> = jobs
                .into_iter()
                .map(|job| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        if job.durable {
                            store.write(move |db| run(db, &job)).await
                        } else {
                            store.write_relaxed(move |db| run(db, &job)).await
                        }
                    })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap().ok());
            }
            let rows = store
                .read(|db| query::all(db, "SELECT key, value FROM pairs", [], |row| Ok((row.get(0)?, row.get(1)?))))
                .await;
            (answers, rows.unwrap().into_iter().collect::<BTreeMap<i64, i64>>())
        });
        prop_assert_eq!(answers, expected);
        prop_assert_eq!(pairs, expected_pairs);
    }
}
