//! A libvirt daemon that is not there, and one that is lost and found again. As root only.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Root, SURVIVOR, config, simple, skipped};
use hypervisor::contract::guest;
use hypervisor::{Driver, Event, GuestEvent, LibvirtConfig, LibvirtDriver, PowerState};
use kit::ids::ServerId;

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_that_is_not_there_is_an_error_at_once() {
    if skipped() {
        return;
    }
    let dir = Root::new();
    let uri = format!("qemu+unix:///system?socket={}", dir.path().join("none").display());
    let error = LibvirtDriver::connect(config(uri)).await.err().unwrap();
    assert!(matches!(error, hypervisor::DriverError::Disconnected { .. }), "{}", error.chain());
}

/// A libvirtd of the test's own, in a mount namespace where nothing of the host's libvirt is seen.
struct Daemon(std::process::Child);

impl Daemon {
    fn start(dir: &Path) -> Self {
        let dir = &dir.join("daemon");
        let etc = dir.join("etc");
        std::fs::create_dir_all(&etc).unwrap();
        for private in ["run", "lib", "cache", "log", "sock"] {
            std::fs::create_dir_all(dir.join(private)).unwrap();
        }
        let qemu = "stdio_handler = \"file\"\nsecurity_driver = \"none\"\nnamespaces = [ ]\nuser = \"root\"\n\
                    group = \"root\"\nremember_owner = 0\n";
        std::fs::write(etc.join("qemu.conf"), qemu).unwrap();
        let sock = dir.join("sock").display().to_string();
        std::fs::write(etc.join("libvirtd.conf"), format!("unix_sock_dir = \"{sock}\"\nauth_unix_rw = \"none\"\n"))
            .unwrap();
        let script = "set -e
            mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
            mount --bind $D/etc /etc/libvirt; mount --bind $D/run /run/libvirt; mount --bind $D/lib /var/lib/libvirt
            mount --bind $D/cache /var/cache/libvirt; mount --bind $D/log /var/log/libvirt
            exec libvirtd --config /etc/libvirt/libvirtd.conf --pid-file $D/libvirtd.pid";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", script]).env("D", dir);
        let process = command.spawn().expect("util-linux is a required package");
        Self(process)
    }

    fn config(dir: &Path) -> LibvirtConfig {
        config(format!("qemu+unix:///system?socket={}/daemon/sock/libvirt-sock", dir.display()))
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _gone_already = self.0.wait();
    }
}

/// Calls until it succeeds.
async fn eventually<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> T {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        match attempt().await {
            Ok(answer) => return answer,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_lost_is_noticed_and_found_again() {
    if skipped() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("no libvirtd of its own without being root");
        return;
    }
    let dir = Root::new();
    guest::write_disk(&dir.path().join("disk.img")).unwrap();
    // It is not there yet.
    let driver = LibvirtDriver::open(Daemon::config(dir.path())).await.unwrap();
    let mut events = driver.events();
    assert!(!driver.health().connected);
    let error = driver.list().await.unwrap_err();
    assert!(matches!(error, hypervisor::DriverError::Disconnected { .. }), "{}", error.chain());

    let mut daemon = Daemon::start(dir.path());
    let found = async { while events.next().await != Some(Event::Lost) {} };
    tokio::time::timeout(Duration::from_secs(30), found).await.unwrap();
    assert!(driver.health().connected);
    let id = ServerId::new(SURVIVOR);
    driver.ensure_running(&simple(dir.path(), SURVIVOR)).await.unwrap();

    daemon.kill();
    eventually(|| async { if driver.health().connected { Err("still connected") } else { Ok(()) } }).await;
    let error = driver.list().await.unwrap_err();
    assert!(matches!(error, hypervisor::DriverError::Disconnected { .. }), "{}", error.chain());

    let _daemon = Daemon::start(dir.path());
    let lost = async { while events.next().await != Some(Event::Lost) {} };
    tokio::time::timeout(Duration::from_secs(30), lost).await.unwrap();
    assert!(driver.health().connected);
    assert_eq!(driver.list().await.unwrap(), [(id.clone(), PowerState::Running)]);
    driver.destroy(&id).await.unwrap();
    let stopped =
        async { while !matches!(events.next().await, Some(Event::Guest { kind: GuestEvent::Stopped, .. })) {} };
    tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap();
    driver.remove(&id).await.unwrap();
    driver.close().await;
}
