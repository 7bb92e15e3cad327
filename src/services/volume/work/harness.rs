//! The workflows against the engine's own harness: each step repeated, failed, cancelled, crashed at.

use kit::{Fault, RequestContext};
use serde_json::json;
use store::query;
use workflow::testing::{self, Expected, Harness};
use workflow::{Control, Definition, MemoryJournal, Outcome, Start};

use super::{Context, State, create, delete};
use crate::tests::{World, world};

/// A volume whose row says `status`; what the workflow was to do is not done yet.
struct Subject {
    world: World,
    id: String,
}

impl Subject {
    async fn new(status: &str) -> Self {
        let world = world().await;
        let id = world.create(json!({ "size": 2, "imageRef": "i1" })).await;
        world.becomes(&id, "available").await;
        if status == "creating" {
            world.backend.lock().unwrap().volumes.clear();
        }
        let row = [id.clone(), status.to_owned()];
        let sql = "UPDATE volume_volumes SET status = ?2, host = NULL, backend = NULL WHERE id = ?1";
        let write = move |db: &store::Connection| query::execute(db, sql, row).map_err(Fault::from);
        world.store.write(write).await.unwrap();
        Self { world, id }
    }

    fn context(&self) -> Context {
        Context { service: self.world.service.clone(), request: RequestContext::service("volume") }
    }

    fn state(&self, host: Option<&str>) -> State {
        State { volume_id: self.id.as_str().into(), host: host.map(Into::into), source: None }
    }

    async fn status(&self) -> Option<String> {
        self.world.show(&self.id).await["status"].as_str().map(str::to_owned)
    }

    fn bytes(&self) -> usize {
        self.world.backend.lock().unwrap().volumes.len()
    }
}

struct Creations;

impl Harness for Creations {
    type World = Subject;
    type Context = Context;
    type State = State;

    fn definition(&self) -> Definition<Context, State> {
        create::definition()
    }

    async fn world(&self) -> Subject {
        Subject::new("creating").await
    }

    async fn context(&self, subject: &Subject) -> Context {
        subject.context()
    }

    fn state(&self, subject: &Subject) -> State {
        subject.state(None)
    }

    async fn check(&self, subject: &Subject, expected: Expected, case: &str) {
        let status = subject.status().await.unwrap();
        match expected {
            Expected::Done => assert_eq!((status.as_str(), subject.bytes()), ("available", 1), "{case}"),
            // The row says that nothing came of it once the workflow is over.
            Expected::Clean => assert_eq!(subject.bytes(), 0, "{case}"),
        }
    }
}

struct Deletions;

impl Harness for Deletions {
    type World = Subject;
    type Context = Context;
    type State = State;

    fn definition(&self) -> Definition<Context, State> {
        delete::definition()
    }

    async fn world(&self) -> Subject {
        Subject::new("deleting").await
    }

    async fn context(&self, subject: &Subject) -> Context {
        subject.context()
    }

    fn state(&self, subject: &Subject) -> State {
        subject.state(Some("here"))
    }

    /// There is no way back: one that failed can be repeated, and then it is done.
    async fn check(&self, subject: &Subject, expected: Expected, case: &str) {
        if expected == Expected::Clean {
            let (journal, context) = (MemoryJournal::default(), subject.context());
            let start = Start::new(subject.id.as_str(), self.state(subject));
            let outcome = workflow::run(&self.definition(), &context, start, &journal, &Control::default()).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{case}: {outcome:?}");
        }
        assert_eq!((subject.status().await, subject.bytes()), (None, 0), "{case}");
    }
}

#[tokio::test]
async fn making_a_volume_holds_whatever_happens() {
    testing::all(&Creations).await;
}

#[tokio::test]
async fn deleting_a_volume_holds_whatever_happens() {
    testing::all(&Deletions).await;
}
