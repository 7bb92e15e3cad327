//! What is saved is found again, by whoever opens the same table.

use kit::Timestamp;
use store::Migrations;
use store::testing::{TestStore, store};
use workflow::Direction;

use super::*;

const TABLES: Migrations = Migrations {
    service: "toy",
    steps: &["CREATE TABLE toy_journals (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
              CREATE TABLE toy_others (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;"],
};

fn record(id: &str, step: usize) -> Record {
    Record {
        id: WorkflowId::new(id),
        kind: "toy.make".to_owned(),
        subject: "toy-1".to_owned(),
        step,
        step_name: format!("step {step}"),
        direction: Direction::Forward,
        state: serde_json::json!({ "size": 3 }),
        context: serde_json::Value::Null,
        fault: Some(Fault::conflict("it was in the way")),
        stuck: None,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// The ids and steps of what is not over.
async fn left(world: &TestStore, table: &'static str) -> Vec<(String, usize)> {
    let records = SqlJournal::new((**world).clone(), table).unfinished().await.unwrap();
    records.into_iter().map(|record| (record.id.to_string(), record.step)).collect()
}

#[tokio::test]
async fn the_last_record_of_each_workflow_is_kept_until_it_ends() {
    let world = store(&[TABLES]);
    let journal = SqlJournal::new((*world).clone(), "toy_journals");
    journal.save(&record("b", 0)).await.unwrap();
    journal.save(&record("a", 1)).await.unwrap();
    journal.save(&record("b", 2)).await.unwrap();
    assert_eq!(left(&world, "toy_journals").await, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(left(&world, "toy_others").await, []);
    journal.finish(&WorkflowId::new("a")).await.unwrap();
    journal.finish(&WorkflowId::new("a")).await.unwrap();
    assert_eq!(left(&world, "toy_journals").await, [("b".to_owned(), 2)]);
    let whole = journal.unfinished().await.unwrap().remove(0);
    assert_eq!(serde_json::to_value(&whole).unwrap(), serde_json::to_value(record("b", 2)).unwrap());
}

#[tokio::test]
async fn a_record_that_makes_no_sense_is_an_error_and_not_lost_work() {
    let world = store(&[TABLES]);
    let nonsense = |db: &Connection| save(db, "toy_journals", &WorkflowId::new("a"), "{}").map_err(Fault::from);
    world.write(nonsense).await.unwrap();
    let fault = SqlJournal::new((*world).clone(), "toy_journals").unfinished().await.unwrap_err();
    assert!(fault.chain().contains("reading a journal record"), "{}", fault.chain());
}
