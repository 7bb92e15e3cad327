//! What the tests against libvirt share.
//!
//! They need libvirt's QEMU driver and `qemu-system-x86`. A host without them fails, unless
//! `CLOUDBOX_SKIP_LIBVIRT=1` says that it is meant to be so.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::Arc;

use hypervisor::{
    CacheMode, Console, Disk, DiskBus, DiskFormat, DomainSpec, LibvirtConfig, LibvirtDriver, Machine, Metadata,
    VirtTypeChoice,
};
use kit::ids::ServerId;

/// Whether this host is to go without.
pub fn skipped() -> bool {
    let skipped = std::env::var("CLOUDBOX_SKIP_LIBVIRT").is_ok_and(|value| value == "1");
    if skipped {
        eprintln!("skipped: CLOUDBOX_SKIP_LIBVIRT=1");
    }
    skipped
}

/// The embedded driver below `dir`.
pub fn uri(dir: &Path) -> String {
    format!("qemu:///embed?root={}", dir.join("libvirt").display())
}

/// The driver on `uri`, as the test's own cloud.
pub fn config(uri: String) -> LibvirtConfig {
    let virt_type = VirtTypeChoice::Auto;
    LibvirtConfig { uri, virt_type, owner: "the test".to_owned(), clock: Arc::new(kit::SystemClock) }
}

/// The embedded driver below `dir`, opened.
pub async fn connect(dir: &Path) -> Arc<LibvirtDriver> {
    LibvirtDriver::connect(config(uri(dir))).await.expect("libvirt's QEMU driver is a required package")
}

/// A temporary directory whose guests end with it, however the test ends.
pub struct Root(tempfile::TempDir);

impl Root {
    /// One of its own.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
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

/// A guest with every device that needs no network, on the disk `disk.img`.
pub fn simple(dir: &Path, id: &str) -> DomainSpec {
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

/// The id of a guest that outlives something.
pub const SURVIVOR: &str = "6a1c3a52-7a3e-4c7e-9a55-0f7a4a1f5b11";
