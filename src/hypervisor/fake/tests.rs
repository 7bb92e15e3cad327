//! The fake against the contract, and its own tricks.

use std::path::Path;

use kit::PowerState;

use super::*;
use crate::contract::{Temper, World, contract};
use crate::driver::Driver;
use crate::spec::{Console, DomainSpec, Machine, Metadata};

struct FakeWorld {
    dir: tempfile::TempDir,
    driver: Arc<FakeDriver>,
}

impl World for FakeWorld {
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn make_guest(&self, id: &ServerId, disk: &Path, temper: Temper) -> std::io::Result<()> {
        if temper == Temper::Stubborn {
            self.driver.make_stubborn(id);
        }
        crate::contract::guest::write_empty_disk(disk)
    }

    fn taps(&self) -> Option<[String; 2]> {
        Some(["tap0".to_owned(), "tap1".to_owned()])
    }

    fn foreign(&self) -> Option<ServerId> {
        None
    }
}

fn spec(id: &ServerId) -> DomainSpec {
    DomainSpec {
        server_id: id.clone(),
        name: "instance-00000001".to_owned(),
        metadata: Metadata::default(),
        vcpus: 2,
        memory_mb: 64,
        machine: Machine::Q35,
        disks: Vec::new(),
        interfaces: Vec::new(),
        console: Console { log: "/log".into(), socket: "/serial".into() },
        vnc: None,
        agent_socket: None,
        rng: false,
    }
}

#[tokio::test(start_paused = true)]
async fn in_memory_it_keeps_the_contract() {
    let world = FakeWorld { dir: tempfile::tempdir().unwrap(), driver: FakeDriver::in_memory() };
    contract(world.driver.clone(), &world).await.unwrap();
    assert!(world.driver.list().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_a_directory_it_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let config = FakeConfig { dir: Some(dir.path().join("guests")), ..FakeConfig::default() };
    let world = FakeWorld { driver: FakeDriver::open(config).unwrap(), dir };
    contract(world.driver.clone(), &world).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn guests_in_a_directory_outlive_their_driver() {
    let dir = tempfile::tempdir().unwrap();
    let config = FakeConfig { dir: Some(dir.path().to_owned()), ..FakeConfig::default() };
    let id = ServerId::random();
    let before = FakeDriver::open(config.clone()).unwrap();
    before.ensure_running(&spec(&id)).await.unwrap();
    let printed = before.console_log(&id, None).await.unwrap();
    drop(before);
    let after = FakeDriver::open(config).unwrap();
    assert_eq!(after.list().await.unwrap(), [(id.clone(), PowerState::Running)]);
    assert_eq!(after.console_log(&id, None).await.unwrap(), printed);
    after.remove(&id).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_verb_fails_as_often_as_planned_and_without_effect() {
    let driver = FakeDriver::in_memory();
    let id = ServerId::random();
    driver.faults().plan(Verb::EnsureRunning, Misbehaviour::Fail, 2);
    for _ in 0..2 {
        assert!(driver.ensure_running(&spec(&id)).await.is_err());
        assert_eq!(driver.power_state(&id).await.unwrap(), None);
    }
    driver.ensure_running(&spec(&id)).await.unwrap();
    assert_eq!(driver.calls().iter().filter(|(verb, _)| *verb == Verb::EnsureRunning).count(), 3);
    assert_eq!(driver.calls().first(), Some(&(Verb::EnsureRunning, Some(id))));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_its_effect() {
    let driver = FakeDriver::in_memory();
    let id = ServerId::random();
    driver.faults().plan(Verb::EnsureRunning, Misbehaviour::FailAfterwards, usize::MAX);
    assert!(driver.ensure_running(&spec(&id)).await.is_err());
    assert_eq!(driver.power_state(&id).await.unwrap(), Some(PowerState::Running));
    driver.faults().clear();
    driver.ensure_running(&spec(&id)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_can_be_slow_hang_panic_and_be_out_of_reach() {
    let driver = FakeDriver::in_memory();
    let faults = driver.faults();
    faults.delay(Verb::List, Duration::from_millis(30));
    let begun = tokio::time::Instant::now();
    driver.list().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
    faults.plan(Verb::Resources, Misbehaviour::Hang, 1);
    assert!(tokio::time::timeout(Duration::from_millis(30), driver.resources()).await.is_err());
    faults.plan(Verb::Resources, Misbehaviour::Disconnect, 1);
    assert!(matches!(driver.resources().await, Err(DriverError::Disconnected { .. })));
    faults.plan(Verb::Resources, Misbehaviour::Panic, 1);
    let panicking = Arc::clone(&driver);
    assert!(tokio::spawn(async move { panicking.resources().await }).await.unwrap_err().is_panic());
    driver.resources().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_a_guest_is_heard_and_seen() {
    let driver = FakeDriver::in_memory();
    let id = ServerId::random();
    driver.ensure_running(&spec(&id)).await.unwrap();
    let mut events = driver.events();
    driver.happen(&id, GuestEvent::Crashed).unwrap();
    driver.lose_events();
    assert!(matches!(events.next().await, Some(Event::Guest { kind: GuestEvent::Crashed, .. })));
    assert_eq!(events.next().await, Some(Event::Lost));
    assert_eq!(driver.power_state(&id).await.unwrap(), Some(PowerState::Crashed));
    assert_eq!(driver.resources().await.unwrap().running_vms, 0);
    driver.print(&id, "last words\n").unwrap();
    assert_eq!(driver.console_log(&id, Some(1)).await.unwrap(), b"last words\n");
    driver.start(&id).await.unwrap();
    driver.close().await;
    assert!(matches!(driver.list().await, Err(DriverError::Disconnected { .. })));
}
