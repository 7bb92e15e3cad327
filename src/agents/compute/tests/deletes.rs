//! Deleting servers: all of it goes, whatever is missing and wherever the process dies.

use bus::topics::compute_agent::{StopInstance, TerminateInstance};
use bus::topics::compute_types::{TaskState, VmState};
use hypervisor::fake::{Misbehaviour, Verb};
use kit::Fault;
use workflow::testing::CrashingJournal;
use workflow::{Control, MemoryJournal, Outcome, Policy, Start};

use super::cloud::When;
use super::world::{World, user};
use crate::delete::{Delete, definition};
use crate::owner::{Job, Operation};
use crate::work::Work;

/// What is left is the volume that the server was given, detached.
async fn assert_gone(world: &World, case: &str) {
    world.assert_clean(case).await;
    let state = world.cloud.lock();
    assert!(state.instances.is_empty(), "{case}");
    assert!(state.volumes.values().all(|volume| volume.status == "available"), "{case}");
    assert_eq!(std::fs::read_dir(world.data().join("run")).unwrap().count(), 0, "{case}");
}

#[tokio::test]
async fn a_deleted_server_leaves_only_what_it_was_given() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.built(&server).await;
    std::fs::write(world.data().join("run").join(format!("{}.vnc", server.instance_name)), "").unwrap();
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the deletion", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_gone(&world, "deleted").await;
    assert_eq!(world.cloud.lock().volumes.len(), 1);
    // A cast that came twice, and one for a server that was never there.
    world.cast(TerminateInstance { server_id: server.id });
    world.cloud.until("the second deletion", |state| state.count("InstanceDeleted") == 2).await;
}

#[tokio::test]
async fn what_is_busy_for_a_moment_is_asked_again() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.built(&server).await;
    for method in ["DeallocateForInstance", "DetachVolume", "InstanceDeleted"] {
        world.cloud.fail(method, Fault::unavailable("away"), When::Before, 1);
    }
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the deletion", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_gone(&world, "asked again").await;
}

#[tokio::test]
async fn a_server_that_cannot_be_deleted_goes_to_error_and_can_be_deleted_again() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.built(&server).await;
    world.cloud.fail("DetachVolume", Fault::internal("a test", "no"), When::Before, 1);
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the failure", |state| !state.operation_failures.is_empty()).await;
    assert_eq!(world.instance(&server.id).vm_state, VmState::Error);
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the deletion", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_gone(&world, "deleted again").await;
}

#[tokio::test]
async fn a_deletion_waits_for_nothing_that_hangs() {
    let world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    world.driver.faults().plan(Verb::Stop, Misbehaviour::Hang, 1);
    world.set_task(&server.id, TaskState::PoweringOff);
    let looks = world.cloud.lock().count("GetInstance");
    world.cast(StopInstance { server_id: server.id.clone() });
    world.cloud.until("a look", |state| state.count("GetInstance") > looks).await;
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the deletion", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    assert_gone(&world, "deleted while it hung").await;
}

#[tokio::test]
async fn a_server_of_which_too_much_is_asked_is_busy() {
    let world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    world.driver.faults().plan(Verb::Stop, Misbehaviour::Hang, 1);
    world.set_task(&server.id, TaskState::PoweringOff);
    let ask = || {
        let job = Job { context: user(), operation: Operation::Stop };
        world.agent.submit(&server.id, job)
    };
    let refused = (0..100).find_map(|_| ask().err()).unwrap();
    assert_eq!(refused.kind(), kit::FaultKind::Busy);
    let job = Job { context: user(), operation: Operation::Stop };
    assert_eq!(world.agent.submit(&"../x".into(), job).unwrap_err().kind(), kit::FaultKind::BadRequest);
}

#[tokio::test]
async fn a_deletion_goes_on_wherever_the_process_died() {
    for point in 0.. {
        let mut world = World::running().await;
        let server = world.new_rich_server();
        world.built(&server).await;
        world.stop().await;
        let instance = world.instance(&server.id);
        let work = || Work::new(world.agent.clone(), server.id.clone(), user());
        let kept = MemoryJournal::default();
        let journal = CrashingJournal::new(kept.clone(), point);
        let (definition, context, control) = (definition(), work(), Control::default());
        let start = Start::new(server.id.as_str(), Delete::of(&server.id, Some(&instance)));
        let ended = journal.until_crash(workflow::run(&definition, &context, start, &journal, &control)).await;
        if let Some(record) = kept.records().pop() {
            let context = work();
            let outcome = workflow::resume(&definition, &context, record, &kept, Policy::Continue, &control).await;
            assert!(matches!(outcome, Ok(Outcome::Done(_))), "point {point}: {outcome:?}");
        } else if point == 0 {
            continue;
        }
        assert_gone(&world, &format!("died at point {point}")).await;
        if ended.is_some() {
            return;
        }
    }
}
