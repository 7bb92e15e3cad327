//! Images of servers.

use bus::topics::compute_agent::{SnapshotInstance, StopInstance, TerminateInstance};
use bus::topics::compute_types::{TaskState, VmState};
use hypervisor::fake::{Misbehaviour, Verb};
use kit::Fault;
use kit::ids::{ImageId, ServerId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use workflow::Definition;
use workflow::testing::{self, Expected, Harness};

use super::cloud::When;
use super::world::{World, user};
use crate::snapshot::{self, Snapshot};
use crate::work::Work;

async fn server(world: &World) -> ServerId {
    let server = world.new_server();
    world.built(&server).await;
    server.id
}

/// Has an image made, and waits until nothing is done to the server any more.
async fn make_image(world: &World, id: &ServerId) -> ImageId {
    let image = world.ask_for_image(id);
    world.cast(SnapshotInstance { server_id: id.clone() });
    world
        .cloud
        .until("the end of the task", |state| state.instances[id].task_state.is_none() && state.journals.is_empty())
        .await;
    image
}

fn status(world: &World, image: &ImageId) -> Option<String> {
    world.cloud.lock().images.get(image).map(|image| image.status.clone())
}

fn has_copy(world: &World, id: &ServerId) -> bool {
    world.agent.paths.snapshot(id).exists()
}

#[tokio::test]
async fn a_server_that_runs_and_one_that_is_off_become_images() {
    let world = World::running().await;
    let id = server(&world).await;
    for (state, live) in [(VmState::Active, true), (VmState::Stopped, false)] {
        if !live {
            world.set_task(&id, TaskState::PoweringOff);
            world.cast(StopInstance { server_id: id.clone() });
            world.cloud.until("the stop", |state| state.instances[&id].vm_state == VmState::Stopped).await;
        }
        let before = world.cloud.lock().tasks.len();
        let image = make_image(&world, &id).await;
        assert_eq!(status(&world, &image).as_deref(), Some("active"));
        let state_now = world.cloud.lock();
        let properties = &state_now.images[&image].properties;
        assert_eq!((properties["image_location"].as_str(), properties["owner_id"].as_str()), ("snapshot", "p"));
        use TaskState::{ImagePendingUpload, ImageSnapshot, ImageUploading};
        assert_eq!(
            state_now.tasks[before..],
            [Some(ImageSnapshot), Some(ImagePendingUpload), Some(ImageUploading), None]
        );
        assert_eq!(state_now.instances[&id].vm_state, state);
        drop(state_now);
        assert!(!has_copy(&world, &id));
    }
    world.cloud.until("the events", |state| state.events.len() == 4).await;
    let events: Vec<_> = world.cloud.lock().events.iter().map(|e| (e.event.clone(), e.error.clone())).collect();
    assert_eq!(events[1], ("compute_snapshot_instance".to_owned(), None));
    assert!(world.cloud.lock().operation_failures.is_empty());
}

#[tokio::test]
async fn a_snapshot_that_fails_leaves_no_image_and_the_server_as_it_was() {
    let world = World::running().await;
    let id = server(&world).await;
    world.driver.faults().plan(Verb::CopyDisk, Misbehaviour::FailAfterwards, 1);
    let image = make_image(&world, &id).await;
    assert_eq!(status(&world, &image), None);
    assert!(!has_copy(&world, &id));
    world.cloud.fail("ReceiveFile", Fault::unsupported_media_type("The image is refused."), When::Before, 1);
    let image = make_image(&world, &id).await;
    assert_eq!(status(&world, &image), None);
    assert!(!has_copy(&world, &id));
    let state = world.cloud.lock();
    assert_eq!(state.operation_failures.len(), 2);
    assert_eq!(state.operation_failures[1].fault.message(), "The image is refused.");
    assert_eq!(state.instances[&id].vm_state, VmState::Active);
}

#[tokio::test]
async fn an_image_that_is_deleted_meanwhile_is_no_failure() {
    let world = World::running().await;
    let id = server(&world).await;
    world.cloud.fail("ReceiveFile", Fault::not_found("No image found"), When::Before, 1);
    let image = make_image(&world, &id).await;
    assert_eq!(status(&world, &image), None);
    assert!(world.cloud.lock().operation_failures.is_empty());
    assert!(!has_copy(&world, &id));
    // One that was never made, because of a crash, is as good as deleted.
    let image = world.ask_for_image(&id);
    world.cloud.lock().images.remove(&image);
    world.cast(SnapshotInstance { server_id: id.clone() });
    world.cloud.until("the end of the task", |state| state.instances[&id].task_state.is_none()).await;
    assert!(world.cloud.lock().operation_failures.is_empty());
}

#[tokio::test]
async fn a_server_that_is_deleted_takes_its_unfinished_image_along() {
    let world = World::running().await;
    let id = server(&world).await;
    world.driver.faults().plan(Verb::CopyDisk, Misbehaviour::Hang, 1);
    let image = world.ask_for_image(&id);
    world.cast(SnapshotInstance { server_id: id.clone() });
    world.cloud.until("the copy", |state| state.instances[&id].task_state == Some(TaskState::ImagePendingUpload)).await;
    world.set_task(&id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: id.clone() });
    world.cloud.until("the end", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_eq!(status(&world, &image), None);
    world.assert_clean("deleted during a snapshot").await;
}

#[tokio::test]
async fn an_image_that_was_not_begun_goes_with_its_server() {
    let world = World::running().await;
    let id = server(&world).await;
    let image = world.ask_for_image(&id);
    world.set_task(&id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: id.clone() });
    world.cloud.until("the end", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_eq!(status(&world, &image), None);
}

#[tokio::test]
async fn a_guest_that_its_host_lost_meanwhile_is_started_again_when_the_image_is_made() {
    let mut world = World::running().await;
    let id = server(&world).await;
    world.driver.faults().plan(Verb::CopyDisk, Misbehaviour::Hang, 1);
    let image = world.ask_for_image(&id);
    world.cast(SnapshotInstance { server_id: id.clone() });
    world.cloud.until("the copy", |state| state.instances[&id].task_state == Some(TaskState::ImagePendingUpload)).await;
    world.stop().await;
    world.driver.happen(&id, hypervisor::GuestEvent::Stopped).unwrap();
    world.restart().await;
    world.cloud.until("the image", |state| state.images[&image].status == "active").await;
    world.cloud.until("the end of the task", |state| state.instances[&id].task_state.is_none()).await;
    world.wait_idle(&id).await;
    use hypervisor::Driver as _;
    assert_eq!(world.driver.power_state(&id).await.unwrap(), Some(kit::PowerState::Running));
}

#[tokio::test]
async fn without_shared_files_the_bytes_are_sent_with_the_token() {
    let world = World::running().await;
    let id = server(&world).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.cloud.lock().send_images_to = Some(format!("http://{}/file", listener.local_addr().unwrap()));
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut heard, mut buffer) = (Vec::new(), vec![0; 65536]);
        let wanted = hypervisor::fake::empty_disk();
        while !heard.ends_with(&wanted) {
            let length = stream.read(&mut buffer).await.unwrap();
            assert_ne!(length, 0, "it ended early");
            heard.extend_from_slice(&buffer[..length]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&heard[..300]).to_lowercase()
    });
    make_image(&world, &id).await;
    let head = served.await.unwrap();
    assert!(head.starts_with("put /file") && head.contains("x-auth-token: user-token"), "{head}");
    assert!(head.contains("content-type: application/octet-stream"), "{head}");
    assert!(world.cloud.lock().operation_failures.is_empty());
    // Nobody is there any more.
    let image = make_image(&world, &id).await;
    assert_eq!(status(&world, &image), None);
    assert_eq!(
        world.cloud.lock().operation_failures[0].fault.message(),
        format!("The data of image {image} could not be sent.")
    );
}

/// Against the engine's own harness.
struct Snapshots;

struct SnapshotWorld {
    world: World,
    id: ServerId,
    image: ImageId,
    state: Snapshot,
}

impl Harness for Snapshots {
    type World = SnapshotWorld;
    type Context = Work;
    type State = Snapshot;

    fn definition(&self) -> Definition<Work, Snapshot> {
        snapshot::definition()
    }

    async fn world(&self) -> SnapshotWorld {
        let mut world = World::new();
        world.start().await;
        let id = server(&world).await;
        world.stop().await;
        let image = world.ask_for_image(&id);
        let work = Work::new(world.agent.clone(), id.clone(), user());
        let state = snapshot::plan(&work, &world.instance(&id), image.clone()).await.unwrap();
        SnapshotWorld { world, id, image, state }
    }

    async fn context(&self, world: &SnapshotWorld) -> Work {
        Work::new(world.world.agent.clone(), world.id.clone(), user())
    }

    fn state(&self, world: &SnapshotWorld) -> Snapshot {
        world.state.clone()
    }

    async fn check(&self, world: &SnapshotWorld, expected: Expected, case: &str) {
        let SnapshotWorld { world, id, image, .. } = world;
        assert!(!has_copy(world, id), "{case}: the copy");
        let found = status(world, image);
        if expected == Expected::Done {
            assert_eq!(found.as_deref(), Some("active"), "{case}");
        } else {
            // What has not begun is as it was: conductor asks again.
            let waits = world.instance(id).task_state == Some(TaskState::ImageSnapshotPending);
            assert!(found.is_none() || (waits && found.as_deref() == Some("queued")), "{case}: {found:?}");
        }
        assert_eq!(world.instance(id).vm_state, VmState::Active, "{case}");
        assert!(expected == Expected::Clean || world.instance(id).task_state.is_none(), "{case}");
    }
}

#[tokio::test]
async fn a_snapshot_holds_whatever_happens() {
    testing::all(&Snapshots).await;
}
