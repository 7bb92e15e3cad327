//! The contract against libvirt itself: an embedded driver in a temporary root, and guests that are a boot sector.
//!
//! Needs libvirt's QEMU driver and `qemu-system-x86`, but no daemon. A host without them fails here, unless
//! `CLOUDBOX_SKIP_LIBVIRT=1` says that it is meant to be so. Interfaces are tried as root only.
//! Each test is a process of its own under nextest; under `cargo test` they take turns, as one process can have only
//! one embedded root open.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hypervisor::contract::{Temper, World, contract, guest};
use hypervisor::{
    CacheMode, Console, Disk, DiskBus, DiskFormat, DomainSpec, Driver, Event, GuestEvent, LibvirtConfig, LibvirtDriver,
    Machine, Metadata, PowerState, VirtTypeChoice,
};
use kit::ids::ServerId;
use tokio::sync::{Mutex, MutexGuard};
use virt::connect::Connect;
use virt::domain::Domain;

/// The environment variable that makes [`starts_a_guest_and_dies`] more than nothing: the root to use.
const CHILD_ROOT: &str = "CLOUDBOX_TEST_CHILD_ROOT";

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn turn() -> Option<MutexGuard<'static, ()>> {
    if std::env::var("CLOUDBOX_SKIP_LIBVIRT").is_ok_and(|value| value == "1") {
        eprintln!("skipped: CLOUDBOX_SKIP_LIBVIRT=1");
        return None;
    }
    Some(ONE_AT_A_TIME.lock().await)
}

fn uri(dir: &Path) -> String {
    format!("qemu:///embed?root={}", dir.join("libvirt").display())
}

async fn connect(dir: &Path) -> Arc<LibvirtDriver> {
    let config = LibvirtConfig {
        uri: uri(dir),
        virt_type: VirtTypeChoice::Auto,
        owner: "the test".to_owned(),
        clock: Arc::new(kit::SystemClock),
    };
    LibvirtDriver::connect(config).await.expect("libvirt's QEMU driver is a required package")
}

/// A temporary directory whose guests end with it, however the test ends.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let runs = ["libvirt/run/qemu", "daemon/run/qemu"].map(|run| std::fs::read_dir(self.path().join(run)));
        let files = runs.into_iter().flatten().flatten().flatten();
        let guests = files.filter(|file| file.file_name().to_string_lossy().starts_with("instance-"));
        for file in guests.filter(|file| file.path().extension().is_some_and(|extension| extension == "pid")) {
            let pid = std::fs::read_to_string(file.path()).unwrap_or_default();
            if let Some(pid) = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _gone_already = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// A directory, taps, and a guest of somebody else.
struct RealWorld {
    dir: PathBuf,
    taps: Option<[String; 2]>,
    foreign: ServerId,
}

impl RealWorld {
    fn new(dir: &Path) -> Self {
        let foreign = ServerId::random();
        Self { dir: dir.to_owned(), taps: make_taps(foreign.as_str()), foreign }
    }

    /// Makes the guest of somebody else, on a connection of somebody else.
    fn start_foreign(&self) -> (Connect, Domain) {
        let connection = Connect::open(Some(&uri(&self.dir))).unwrap();
        let xml = format!(
            "<domain type='qemu'><name>theirs</name><uuid>{}</uuid><metadata><c:instance \
             xmlns:c='urn:cloudbox:domain:1' owner='another cloud'/></metadata><memory unit='MiB'>32</memory>\
             <os><type machine='q35'>hvm</type></os></domain>",
            self.foreign
        );
        let domain = Domain::define_xml(&connection, &xml).unwrap();
        domain.create().unwrap();
        (connection, domain)
    }
}

impl Drop for RealWorld {
    fn drop(&mut self) {
        for tap in self.taps.iter().flatten() {
            ip(&["link", "del", tap]);
        }
    }
}

impl World for RealWorld {
    fn dir(&self) -> &Path {
        &self.dir
    }

    fn make_guest(&self, _id: &ServerId, disk: &Path, temper: Temper) -> std::io::Result<()> {
        match temper {
            Temper::Obliging => guest::write_disk(disk),
            Temper::Stubborn => guest::write_empty_disk(disk),
        }
    }

    fn taps(&self) -> Option<[String; 2]> {
        self.taps.clone()
    }

    fn foreign(&self) -> Option<ServerId> {
        Some(self.foreign.clone())
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).status().is_ok_and(|status| status.success())
}

fn make_taps(unique: &str) -> Option<[String; 2]> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("no taps without being root: interfaces are not tried");
        return None;
    }
    let taps = [format!("hv{}a", &unique[..8]), format!("hv{}b", &unique[..8])];
    for tap in &taps {
        assert!(ip(&["tuntap", "add", tap, "mode", "tap"]), "a tap could not be made");
    }
    Some(taps)
}

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_keeps_the_contract() {
    let Some(_turn) = turn().await else { return };
    let dir = Root::new();
    let driver = connect(dir.path()).await;
    let world = RealWorld::new(dir.path());
    let (mut connection, theirs) = world.start_foreign();
    let held = contract(Arc::<LibvirtDriver>::clone(&driver), &world).await;
    let untouched = theirs.is_active().unwrap();
    theirs.destroy().unwrap();
    theirs.undefine().unwrap();
    drop(theirs);
    connection.close().unwrap();
    let left = driver.list().await.unwrap();
    for (id, _) in &left {
        driver.remove(id).await.unwrap();
    }
    driver.close().await;
    held.unwrap();
    assert!(untouched, "somebody else's guest was touched");
    assert_eq!(left, [], "guests were left behind");
    assert!(driver.list().await.is_err(), "a closed driver answers");
}

fn simple(dir: &Path, id: &str) -> DomainSpec {
    let mut disk = Disk::new(dir.join("disk.img"), DiskFormat::Raw, DiskBus::Virtio, "vda");
    disk.boot_order = Some(1);
    disk.cache = CacheMode::Unsafe;
    DomainSpec {
        server_id: ServerId::new(id),
        name: "instance-00000001".to_owned(),
        metadata: Metadata::default(),
        vcpus: 1,
        memory_mb: 64,
        machine: Machine::Q35,
        disks: vec![disk],
        interfaces: Vec::new(),
        console: Console { log: dir.join("log"), socket: dir.join("serial") },
        vnc: None,
        agent_socket: Some(dir.join("agent")),
        rng: true,
    }
}

const SURVIVOR: &str = "6a1c3a52-7a3e-4c7e-9a55-0f7a4a1f5b11";

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
    let Some(_turn) = turn().await else { return };
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

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_that_is_not_there_is_an_error_at_once() {
    let Some(_turn) = turn().await else { return };
    let dir = Root::new();
    let config = LibvirtConfig {
        uri: format!("qemu+unix:///system?socket={}", dir.path().join("none").display()),
        virt_type: VirtTypeChoice::Auto,
        owner: String::new(),
        clock: Arc::new(kit::SystemClock),
    };
    let error = LibvirtDriver::connect(config).await.err().unwrap();
    assert!(matches!(error, hypervisor::DriverError::Disconnected { .. }), "{}", error.chain());
}

/// A libvirtd of the test's own, in a mount namespace where nothing of the host's libvirt is seen.
struct Daemon {
    dir: PathBuf,
    process: std::process::Child,
}

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
        Self { dir: dir.to_owned(), process }
    }

    fn config(&self) -> LibvirtConfig {
        LibvirtConfig {
            uri: format!("qemu+unix:///system?socket={}/sock/libvirt-sock", self.dir.display()),
            virt_type: VirtTypeChoice::Qemu,
            owner: "the test".to_owned(),
            clock: Arc::new(kit::SystemClock),
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _gone_already = self.process.wait();
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
    let Some(_turn) = turn().await else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("no libvirtd of its own without being root");
        return;
    }
    let dir = Root::new();
    guest::write_disk(&dir.path().join("disk.img")).unwrap();
    let mut daemon = Daemon::start(dir.path());
    let driver = eventually(|| LibvirtDriver::connect(daemon.config())).await;
    let id = ServerId::new(SURVIVOR);
    driver.ensure_running(&simple(dir.path(), SURVIVOR)).await.unwrap();
    let mut events = driver.events();

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
