//! The workflow against the engine's own harness: each step repeated, failed, cancelled, crashed at.

use std::sync::Arc;

use kit::ids::ImageId;
use kit::{Fault, Timestamp};
use workflow::Definition;
use workflow::testing::{self, Expected, Harness};

use super::{Context, State, steps};
use crate::db::imports;
use crate::domain::image::Status;
use crate::domain::import::Method;
use crate::tests::World;
use crate::tests::stores::two_stores;

const TASK: &str = "5c7e7d5e-2d36-4a35-9f51-0c53bd3bbd0f";

/// An image that is staged and is to be imported to both stores.
struct Subject {
    world: World,
    id: String,
}

struct Imports;

impl Harness for Imports {
    type World = Subject;
    type Context = Context;
    type State = State;

    fn definition(&self) -> Definition<Context, State> {
        steps::definition()
    }

    async fn world(&self) -> Subject {
        let world = two_stores().await;
        let id = world.image().await;
        assert_eq!(world.stage(&id, b"bytes").await, 204);
        let image = ImageId::new(&id);
        let begin = move |db: &store::Connection| {
            let (steps, stores) = ((Status::Uploading, Status::Importing), both());
            imports::begin(db, &image, TASK, steps, &stores, Timestamp::UNIX_EPOCH).map_err(Fault::from)
        };
        assert!(world.store.write(begin).await.unwrap());
        Subject { world, id }
    }

    async fn context(&self, subject: &Subject) -> Context {
        Context { service: Arc::clone(&subject.world.service) }
    }

    fn state(&self, subject: &Subject) -> State {
        State {
            task: TASK.to_owned(),
            image_id: ImageId::new(&subject.id),
            method: Method::GlanceDirect,
            stores: both(),
            all_must_succeed: true,
            make: None,
            file: None,
            declared: None,
            format: None,
            content: None,
        }
    }

    async fn check(&self, subject: &Subject, expected: Expected, case: &str) {
        let image = subject.world.show(&subject.id).await;
        let files = subject.world.files();
        // Once the image is let go of it is the import's no more: what fails after that takes nothing back.
        let finished = image["status"] == "active" && image.get("os_glance_import_task").is_none();
        match expected {
            _ if finished || expected == Expected::Done => {
                assert_eq!((&image["status"], &image["stores"]), (&"active".into(), &"file,slow".into()), "{case}");
                assert_eq!(files.len(), 2, "{case}: {files:?}");
            }
            // The row says that nothing came of it once the workflow is over.
            _ => {
                assert!(image["status"] == "importing" && image.get("stores").is_none(), "{case}: {image}");
                let left: Vec<_> = files.iter().filter(|file| !file.starts_with("image-staging/")).collect();
                assert!(left.is_empty(), "{case}: {left:?}");
            }
        }
    }
}

fn both() -> Vec<String> {
    ["file", "slow"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn an_import_holds_whatever_happens() {
    testing::all(&Imports).await;
}
