//! A hypervisor that is not there, and what happens to guests behind the agent's back.

use bus::topics::compute_types::VmState;
use hypervisor::{Driver as _, GuestEvent, PauseReason};
use kit::PowerState;

use super::world::World;

const REASON: &str = "libvirt is not reachable";

#[tokio::test]
async fn an_agent_starts_without_its_hypervisor_and_takes_everything_up_when_it_comes() {
    let mut world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    world.stop().await;
    world.driver.happen(&server.id, GuestEvent::Stopped).unwrap();
    let (registered, binds) = {
        let state = world.cloud.lock();
        (state.registered.len(), state.count("BindPort"))
    };
    world.restart_without_hypervisor().await;
    assert!(world.agent.condition().reasons.contains(REASON));
    assert_eq!(world.cloud.lock().registered.len(), registered, "the host offers itself without a hypervisor");
    world.driver.come_back();
    world.cloud.until("the wiring", |state| state.count("BindPort") > binds).await;
    world.wait_idle(&server.id).await;
    assert!(world.cloud.lock().registered[registered].starting);
    assert_eq!(world.driver.power_state(&server.id).await.unwrap(), Some(PowerState::Running), "as after a reboot");
    assert!(world.agent.condition().reasons.is_empty());
}

#[tokio::test]
async fn a_hypervisor_that_is_lost_shows_and_what_guests_did_meanwhile_is_told_once_it_is_back() {
    let world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    world.driver.go_away();
    assert!(world.agent.condition().reasons.contains(REASON));
    world.driver.happen(&server.id, GuestEvent::Crashed).unwrap();
    world.driver.come_back();
    world.cloud.until("the news", |state| !state.power_changes.is_empty()).await;
    assert!(world.agent.condition().reasons.is_empty());
    assert_eq!(world.cloud.lock().power_changes[0].power_state, PowerState::Crashed);
}

#[tokio::test]
async fn a_full_disk_and_an_undefined_guest_are_told() {
    let world = World::running().await;
    let server = world.new_server();
    world.built(&server).await;
    for (event, told) in [
        (GuestEvent::Paused(PauseReason::IoError), PowerState::Paused),
        (GuestEvent::Resumed, PowerState::Running),
        (GuestEvent::Undefined, PowerState::NoState),
    ] {
        let before = world.cloud.lock().power_changes.len();
        world.driver.happen(&server.id, event).unwrap();
        world.cloud.until("the news", |state| state.power_changes.len() > before).await;
        assert_eq!(world.cloud.lock().power_changes[before].power_state, told);
        world.cloud.lock().instances.get_mut(&server.id).unwrap().power_state = told;
    }
    assert_eq!(world.instance(&server.id).vm_state, VmState::Active, "what follows from it is conductor's business");
}
