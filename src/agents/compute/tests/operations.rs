//! What is done to a server that is there: power, volumes, and what its guest does of its own accord.

use std::time::Duration;

use bus::topics::compute_agent::{DetachVolume, RebootInstance, StartInstance, StopInstance};
use bus::topics::compute_types::{RebootKind, TaskState, VmState};
use hypervisor::fake::{Misbehaviour, Verb};
use hypervisor::{Driver as _, GuestEvent, PauseReason};
use kit::PowerState;
use kit::ids::ServerId;

use super::world::World;

async fn server(world: &World) -> ServerId {
    let server = world.new_server();
    world.built(&server).await;
    server.id
}

async fn idle(world: &World, id: &ServerId, vm_state: VmState) {
    world
        .cloud
        .until("the end of the task", |state| {
            state.instances[id].task_state.is_none() && state.instances[id].vm_state == vm_state
        })
        .await;
}

#[tokio::test]
async fn a_server_stops_starts_and_reboots() {
    let world = World::running().await;
    let id = server(&world).await;
    world.set_task(&id, TaskState::PoweringOff);
    world.cast(StopInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Stopped).await;
    assert_eq!(world.driver.power_state(&id).await.unwrap(), Some(PowerState::Shutdown));
    assert_eq!(world.instance(&id).power_state, PowerState::Shutdown);

    world.set_task(&id, TaskState::PoweringOn);
    world.cast(StartInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Active).await;
    assert_eq!(world.driver.power_state(&id).await.unwrap(), Some(PowerState::Running));

    for (kind, task) in [(RebootKind::Soft, TaskState::Rebooting), (RebootKind::Hard, TaskState::RebootingHard)] {
        let binds = world.cloud.lock().count("BindPort");
        world.set_task(&id, task);
        world.cast(RebootInstance { server_id: id.clone(), kind });
        idle(&world, &id, VmState::Active).await;
        let bound = world.cloud.lock().count("BindPort") > binds;
        assert_eq!(bound, kind == RebootKind::Hard, "a hard reboot wires the ports anew");
    }
    world.cloud.until("the events", |state| state.events.len() == 5).await;
    let events: Vec<_> = world.cloud.lock().events.iter().map(|event| event.event.clone()).collect();
    assert_eq!(
        events[1..],
        ["compute_stop_instance", "compute_start_instance", "compute_reboot_instance", "compute_reboot_instance"]
    );
}

#[tokio::test]
async fn a_stop_that_nobody_asks_for_any_more_does_nothing() {
    let world = World::running().await;
    let id = server(&world).await;
    let looks = world.cloud.lock().count("GetInstance");
    world.cast(StopInstance { server_id: id.clone() });
    world.cloud.until("a look", |state| state.count("GetInstance") > looks).await;
    assert_eq!(world.driver.power_state(&id).await.unwrap(), Some(PowerState::Running));
}

#[tokio::test]
async fn a_guest_that_does_not_shut_down_is_cut_off() {
    let world = World::running().await;
    let id = server(&world).await;
    world.driver.make_stubborn(&id);
    world.set_task(&id, TaskState::PoweringOff);
    world.cast(StopInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Stopped).await;
}

#[tokio::test]
async fn a_start_that_fails_leaves_the_server_stopped_and_says_so() {
    let world = World::running().await;
    let id = server(&world).await;
    world.set_task(&id, TaskState::PoweringOff);
    world.cast(StopInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Stopped).await;
    world.driver.faults().plan(Verb::EnsureRunning, Misbehaviour::Fail, 1);
    world.set_task(&id, TaskState::PoweringOn);
    world.cast(StartInstance { server_id: id.clone() });
    world.cloud.until("the failure", |state| !state.operation_failures.is_empty()).await;
    assert_eq!(world.instance(&id).vm_state, VmState::Stopped);
    assert_eq!(world.cloud.lock().operation_failures[0].vm_state, None);
}

#[tokio::test]
async fn conductor_hears_what_a_guest_does_and_not_what_the_agent_did() {
    let world = World::running().await;
    let id = server(&world).await;
    world.set_task(&id, TaskState::PoweringOff);
    world.cast(StopInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Stopped).await;
    world.set_task(&id, TaskState::PoweringOn);
    world.cast(StartInstance { server_id: id.clone() });
    idle(&world, &id, VmState::Active).await;
    world.driver.happen(&id, GuestEvent::Shutdown).unwrap();
    world.cloud.until("the news", |state| !state.power_changes.is_empty()).await;
    let state = world.cloud.lock();
    assert_eq!(state.power_changes.len(), 1, "{:?}", state.power_changes);
    assert_eq!(state.power_changes[0].power_state, PowerState::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_does_last_is_what_conductor_knows_however_slow_it_is() {
    let world = World::running().await;
    let id = server(&world).await;
    // The second of these happens before the first is on record.
    world.cloud.lock().delays.insert("PowerStateChanged", Duration::from_secs(2));
    world.driver.happen(&id, GuestEvent::Paused(PauseReason::IoError)).unwrap();
    world.cloud.until("telling of the pause", |state| state.count("PowerStateChanged") == 1).await;
    world.driver.happen(&id, GuestEvent::Resumed).unwrap();
    world.cloud.until("both", |state| state.power_changes.len() == 2).await;
    assert_eq!(world.instance(&id).power_state, PowerState::Running);
    assert_eq!(world.cloud.lock().count("RegisterHost"), 1, "a heartbeat has put it right");
}

#[tokio::test]
async fn lost_events_are_made_up_for() {
    let world = World::running().await;
    let id = server(&world).await;
    // One that has just been started may take its time for this.
    world.driver.faults().plan(Verb::Capabilities, Misbehaviour::Hang, usize::MAX);
    world.cloud.lock().instances.get_mut(&id).unwrap().power_state = PowerState::Paused;
    world.driver.lose_events();
    world.cloud.until("the news", |state| !state.power_changes.is_empty()).await;
    assert_eq!(world.instance(&id).power_state, PowerState::Running);
}

#[tokio::test]
async fn a_volume_comes_and_goes_while_the_guest_runs_and_while_it_is_off() {
    let world = World::running().await;
    let id = server(&world).await;
    for off in [false, true] {
        if off {
            world.set_task(&id, TaskState::PoweringOff);
            world.cast(StopInstance { server_id: id.clone() });
            idle(&world, &id, VmState::Stopped).await;
        }
        let (_, message) = world.reserve_volume(&id);
        let (volume_id, attachment_id) = (message.volume_id.clone(), message.attachment_id.clone());
        world.cast(message);
        world
            .cloud
            .until("in-use", |state| state.volumes[&volume_id].status == "in-use" && state.journals.is_empty())
            .await;
        assert!(world.has_disk(&id, volume_id.as_str()), "off: {off}");
        world.cast(DetachVolume { server_id: id.clone(), volume_id: volume_id.clone(), attachment_id });
        world.cloud.until("detached", |state| state.instances[&id].block_devices.len() == 1).await;
        assert!(!world.has_disk(&id, volume_id.as_str()), "off: {off}");
        assert_eq!(world.cloud.lock().volumes[&volume_id].status, "available");
    }
    assert!(world.cloud.lock().operation_failures.is_empty());
}

#[tokio::test]
async fn an_attachment_that_fails_is_given_back_and_the_server_stays_as_it_is() {
    let world = World::running().await;
    let id = server(&world).await;
    world.driver.faults().plan(Verb::AttachDisk, Misbehaviour::Fail, 1);
    let (_, message) = world.reserve_volume(&id);
    let volume_id = message.volume_id.clone();
    world.cast(message);
    world.cloud.until("the failure", |state| !state.operation_failures.is_empty()).await;
    let state = world.cloud.lock();
    assert_eq!(state.volumes[&volume_id].status, "available");
    assert_eq!((state.instances[&id].vm_state, state.instances[&id].block_devices.len()), (VmState::Active, 1));
    assert_eq!(state.operation_failures[0].vm_state, None);
}

#[tokio::test]
async fn a_volume_that_the_guest_does_not_let_go_of_stays_in_use() {
    let world = World::running().await;
    let id = server(&world).await;
    let (_, message) = world.reserve_volume(&id);
    let (volume_id, attachment_id) = (message.volume_id.clone(), message.attachment_id.clone());
    world.cast(message);
    world
        .cloud
        .until("in-use", |state| state.volumes[&volume_id].status == "in-use" && state.journals.is_empty())
        .await;
    world.driver.faults().plan(Verb::DetachDisk, Misbehaviour::Fail, 1);
    world.cloud.lock().volumes.get_mut(&volume_id).unwrap().status = "detaching".to_owned();
    world.cast(DetachVolume { server_id: id.clone(), volume_id: volume_id.clone(), attachment_id });
    world.cloud.until("the failure", |state| !state.operation_failures.is_empty()).await;
    assert!(world.has_disk(&id, volume_id.as_str()));
    assert_eq!(world.cloud.lock().volumes[&volume_id].status, "in-use");
    assert_eq!(world.instance(&id).block_devices.len(), 2);
}
