//! Stops, crashes and reboots: guests go on, work is taken up, strays are removed.

use bus::topics::compute_agent::BuildInstance;
use bus::topics::compute_types::{TaskState, VmState};
use hypervisor::fake::{Misbehaviour, Verb};
use hypervisor::{Driver as _, GuestEvent};
use kit::PowerState;
use kit::ids::ServerId;

use super::world::World;

/// A server whose build hangs in the hypervisor.
async fn hanging(world: &World) -> ServerId {
    let server = world.new_rich_server();
    world.driver.faults().plan(Verb::EnsureRunning, Misbehaviour::Hang, 1);
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("spawning", |state| state.tasks.contains(&Some(TaskState::Spawning))).await;
    server.id
}

#[tokio::test]
async fn a_build_that_a_restart_cut_off_goes_on() {
    let mut world = World::running().await;
    let id = hanging(&world).await;
    world.restart().await;
    world
        .cloud
        .until("the build", |state| state.instances[&id].vm_state == VmState::Active && state.journals.is_empty())
        .await;
    let state = world.cloud.lock();
    assert!(state.build_failures.is_empty());
    assert_eq!((state.count("AllocateForInstance"), state.count("CreateVolume")), (1, 1), "it went on where it was");
    assert!(state.registered.iter().filter(|host| host.starting).count() == 2);
}

#[tokio::test]
async fn a_build_whose_server_was_deleted_meanwhile_is_taken_back() {
    let mut world = World::running().await;
    let id = hanging(&world).await;
    world.stop().await;
    world.set_task(&id, TaskState::Deleting);
    world.restart().await;
    world.cloud.until("the way back", |state| state.journals.is_empty()).await;
    world.assert_clean("taken back").await;
    assert!(world.cloud.lock().build_failures.is_empty());
}

#[tokio::test]
async fn a_stop_leaves_guests_running_and_a_start_finds_them() {
    let mut world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    world.restart().await;
    assert_eq!(world.driver.list().await.unwrap(), [(server.id.clone(), PowerState::Running)]);
    let verbs: Vec<_> = world.driver.calls().into_iter().map(|(verb, _)| verb).collect();
    assert!(!verbs.contains(&Verb::EnsureRunning) && !verbs.contains(&Verb::Remove), "{verbs:?}");
    assert!(world.cloud.lock().power_changes.is_empty());
}

#[tokio::test]
async fn after_a_reboot_of_the_host_what_ran_runs_again_and_what_was_off_stays_off() {
    let mut world = World::running().await;
    let (runs, was_off) = (world.new_server(), world.new_server());
    world.built(&runs).await;
    world.built(&was_off).await;
    world.driver.happen(&was_off.id, GuestEvent::Shutdown).unwrap();
    world.cloud.until("the news", |state| !state.power_changes.is_empty()).await;
    world.cloud.lock().instances.get_mut(&was_off.id).unwrap().vm_state = VmState::Stopped;
    world.stop().await;
    world.driver.happen(&runs.id, GuestEvent::Stopped).unwrap();
    let binds = world.cloud.lock().count("BindPort");
    world.restart().await;
    world.cloud.until("the wiring", |state| state.count("BindPort") > binds).await;
    world.wait_idle(&runs.id).await;
    assert_eq!(world.driver.power_state(&runs.id).await.unwrap(), Some(PowerState::Running));
    assert_eq!(world.driver.power_state(&was_off.id).await.unwrap(), Some(PowerState::Shutdown));
    assert_eq!(world.instance(&runs.id).vm_state, VmState::Active);
}

#[tokio::test]
async fn guests_and_directories_of_unknown_servers_are_removed() {
    let mut world = World::running().await;
    let (kept, lost) = (world.new_server(), world.new_server());
    world.built(&kept).await;
    world.built(&lost).await;
    world.stop().await;
    world.cloud.lock().instances.remove(&lost.id);
    let stray = world.data().join("instances").join(ServerId::random().as_str());
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(world.data().join("image-cache/abc.part"), "half").unwrap();
    world.restart().await;
    assert_eq!(world.driver.list().await.unwrap(), [(kept.id.clone(), PowerState::Running)]);
    assert!(!stray.exists() && !world.data().join("instances").join(lost.id.as_str()).exists());
    assert!(world.data().join("instances").join(kept.id.as_str()).join("disk").exists());
    assert!(!world.data().join("image-cache/abc.part").exists());
}

#[tokio::test]
async fn the_host_says_what_it_offers() {
    let world = World::running().await;
    let state = world.cloud.lock();
    let registered = &state.registered[0];
    assert!(registered.starting);
    let inventory = &registered.inventory;
    assert_eq!((inventory.hypervisor_type.as_str(), inventory.virt_type.as_str()), ("fake", "fake"));
    assert_eq!((inventory.vcpus, inventory.running_vms), (64, 0));
    assert!(inventory.disk_free_gb <= inventory.disk_gb);
    let cpu: serde_json::Value = serde_json::from_str(&inventory.cpu_info).unwrap();
    assert_eq!(cpu["arch"], "x86_64");
}

#[tokio::test]
async fn many_builds_at_once_fetch_their_image_once() {
    let world = World::running().await;
    let servers: Vec<_> = (0..20).map(|_| world.new_server()).collect();
    for server in &servers {
        world.cast(BuildInstance { server_id: server.id.clone() });
    }
    let active = |instance: &bus::topics::compute_types::Instance| instance.vm_state == VmState::Active;
    world.cloud.until("all builds", |state| state.instances.values().all(active)).await;
    let cached: Vec<_> = std::fs::read_dir(world.data().join("image-cache")).unwrap().flatten().collect();
    assert_eq!(cached.len(), 1);
}
