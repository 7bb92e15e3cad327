//! On fake drivers: death at every point that an operation passes, one after the other, each in a cloud of its own.
//!
//! The points are not listed here: an operation that nobody disturbs writes them down, and then it dies at each.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cloud::{Cloud, Launch, configure, copy};
use crate::held::{Held, difference, held};
use crate::operations::{Operation, agree, clear, scenery};
use crate::wait::until;

/// How many clouds there are at once.
const WIDTH: usize = 3;

/// A cloud before an operation, and what it held before anything was made.
struct Template {
    directory: TempDir,
    empty: Held,
}

async fn template(operation: Operation) -> Template {
    let directory = tempfile::tempdir().unwrap();
    let converts = if operation == Operation::ConvertImage { "[image]\nconvert_to = \"qcow2\"\n" } else { "" };
    configure(directory.path(), &format!("hypervisor = \"fake\"\n[network]\ndriver = \"fake\"\n{converts}"));
    let cloud = Cloud::start(directory.path(), &Launch::default()).await;
    scenery(&cloud.admin, vec![0; 1 << 20]).await;
    cloud.stop().await;
    let empty = held(directory.path());
    let cloud = Cloud::start(directory.path(), &Launch::default()).await;
    operation.prepare(&cloud.admin).await;
    cloud.stop().await;
    Template { directory, empty }
}

/// Lets the cloud die at every point of `operation`.
async fn die_everywhere(operation: Operation, at_least: usize) {
    let template = Arc::new(template(operation).await);
    let points = points(&template, operation).await;
    assert!(points.len() >= at_least, "{operation:?} passes only {points:?}");
    let places = Arc::new(Semaphore::new(WIDTH));
    let mut cases = JoinSet::new();
    for point in points.clone() {
        let (template, places) = (template.clone(), places.clone());
        cases.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let case = point.clone();
            let ended = tokio::spawn(async move { die_at(&template, operation, &case).await }).await;
            let ended = ended.unwrap_or_else(|panic| Err(panic.to_string()));
            ended.map_err(|wrong| format!("{operation:?} died at {point}: {wrong}"))
        });
    }
    let wrong: Vec<String> = cases.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), points.len(), wrong.join("\n"));
    println!("{operation:?}: died at {} points, nothing lost and nothing left behind", points.len());
}

/// The points that `operation` passes when nothing goes wrong.
async fn points(template: &Template, operation: Operation) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    copy(template.directory.path(), directory.path());
    let log = directory.path().join("points");
    let launch = Launch { log_points: Some(log.clone()), ..Launch::default() };
    let cloud = Cloud::start(directory.path(), &launch).await;
    disturb(operation, directory.path());
    operation.perform(&cloud.admin).await;
    operation.outcome(&cloud.admin, None).await.unwrap();
    let log = until("all that was begun to end", || async {
        let log = std::fs::read_to_string(&log).unwrap();
        let count = |end: &str| log.lines().filter(|line| line.ends_with(end)).count();
        let open = (count("begin/before"), count("act/before"));
        if open == (count("finish/after"), count("record/after")) { Ok(log.clone()) } else { Err(log.clone()) }
    })
    .await;
    let mut points: Vec<String> = Vec::new();
    for point in log.lines() {
        if !points.iter().any(|known| known == point) {
            points.push(point.to_owned());
        }
    }
    calm(directory.path());
    let wrong = finish(cloud, template, directory.path()).await;
    assert!(wrong.is_empty(), "{operation:?} undisturbed: {wrong:?}");
    points
}

async fn die_at(template: &Template, operation: Operation, point: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    copy(template.directory.path(), directory.path());
    let cloud = Cloud::start(directory.path(), &Launch::to_die_at(point)).await;
    disturb(operation, directory.path());
    operation.perform(&cloud.admin).await;
    cloud.died().await;
    calm(directory.path());
    let cloud = Cloud::start(directory.path(), &Launch::default()).await;
    let mut wrong = Vec::new();
    wrong.extend(operation.outcome(&cloud.admin, Some(point)).await.err());
    cloud.workflows_end().await;
    wrong.extend(agree(&cloud.admin, |id| guest(&cloud, id)).await.err());
    wrong.extend(finish(cloud, template, directory.path()).await);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Deletes everything, and says what is not as it was before anything was made.
async fn finish(cloud: Cloud, template: &Template, directory: &Path) -> Vec<String> {
    clear(&cloud.admin).await;
    cloud.stop().await;
    difference(&template.empty, &held(directory))
}

/// The fake guest of a server: whether it runs, and all about it.
fn guest(cloud: &Cloud, id: &str) -> Option<(bool, String)> {
    let text = std::fs::read_to_string(cloud.data().join("fake-guests").join(format!("{id}.json"))).ok()?;
    let guest: Value = serde_json::from_str(&text).unwrap();
    Some((!guest["live"].is_null(), text))
}

/// Has the hypervisor fail, where that is the operation: it cannot write its guests.
fn disturb(operation: Operation, directory: &Path) {
    if operation == Operation::FailToCreateServer {
        let guests = directory.join("data/fake-guests");
        std::fs::rename(&guests, directory.join("guests-away")).unwrap();
        std::fs::write(guests, "").unwrap();
    }
}

/// Has the hypervisor work again.
fn calm(directory: &Path) {
    let away = directory.join("guests-away");
    if away.exists() {
        std::fs::remove_file(directory.join("data/fake-guests")).unwrap();
        std::fs::rename(away, directory.join("data/fake-guests")).unwrap();
    }
}

macro_rules! operations {
    ($($name:ident: $operation:ident, $at_least:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            die_everywhere(Operation::$operation, $at_least).await;
        }
    )*};
}

operations! {
    creating_a_server: CreateServer, 20;
    creating_a_server_that_fails: FailToCreateServer, 30;
    deleting_a_server: DeleteServer, 12;
    stopping_a_server: StopServer, 3;
    starting_a_server: StartServer, 3;
    rebooting_a_server: RebootServer, 3;
    resetting_a_server: ResetServer, 4;
    making_an_image_of_a_server: SnapshotServer, 17;
    attaching_a_volume: AttachVolume, 9;
    detaching_a_volume: DetachVolume, 8;
    creating_a_volume: CreateVolume, 10;
    deleting_a_volume: DeleteVolume, 6;
    creating_an_image: CreateImage, 5;
    importing_an_image: ImportImage, 20;
    converting_an_image: ConvertImage, 20;
    deleting_an_image: DeleteImage, 1;
}
