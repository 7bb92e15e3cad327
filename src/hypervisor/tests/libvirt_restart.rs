//! Guests of the embedded driver outlive the process that started them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Root, SURVIVOR, connect, simple, skipped};
use hypervisor::contract::guest;
use hypervisor::{Driver, Event, GuestEvent, PowerState};
use kit::ids::ServerId;

/// The environment variable that makes [`starts_a_guest_and_dies`] more than nothing: the root to use.
const CHILD_ROOT: &str = "CLOUDBOX_TEST_CHILD_ROOT";

/// Not a test of its own: [`libvirt_guests_outlive_the_process`] runs it as another process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other half of libvirt_guests_outlive_the_process"]
async fn starts_a_guest_and_dies() {
    let Ok(root) = std::env::var(CHILD_ROOT) else { return };
    let dir = Path::new(&root);
    let driver = connect(dir).await;
    driver.ensure_running(&simple(dir, SURVIVOR)).await.unwrap();
    // No farewell: as a process that is killed.
    std::process::abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_guests_outlive_the_process() {
    if skipped() {
        return;
    }
    let dir = Root::new();
    guest::write_disk(&dir.path().join("disk.img")).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starts_a_guest_and_dies", "--ignored"])
        .env(CHILD_ROOT, dir.path())
        .output()
        .unwrap();
    assert!(!child.status.success(), "it was to die by a signal");

    let id = ServerId::new(SURVIVOR);
    for _ in 0..2 {
        let driver = connect(dir.path()).await;
        let mut events = driver.events();
        assert_eq!(driver.list().await.unwrap(), [(id.clone(), PowerState::Running)]);
        driver.ensure_running(&simple(dir.path(), SURVIVOR)).await.unwrap();
        driver.pause(&id).await.unwrap();
        driver.resume(&id).await.unwrap();
        let resumed = async {
            while let Some(event) = events.next().await {
                if matches!(&event, Event::Guest { kind: GuestEvent::Resumed, .. }) {
                    return event;
                }
            }
            Event::Lost
        };
        let event = tokio::time::timeout(Duration::from_secs(10), resumed).await.unwrap();
        assert!(matches!(event, Event::Guest { server_id, .. } if server_id == id));
        // Closed, it runs on, and can be found again by the same process.
        driver.close().await;
        assert!(!driver.health().connected);
        drop(driver);
        while events.next().await.is_some() {}
    }
    let driver = connect(dir.path()).await;
    driver.remove(&id).await.unwrap();
    driver.close().await;
}
