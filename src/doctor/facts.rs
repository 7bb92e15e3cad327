//! What is asked of a host.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use kit::Timestamp;

/// What a command did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// Whether it ended well.
    pub ok: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// The room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What is free for us.
    pub free: u64,
    /// What there is.
    pub total: u64,
}

/// What the database of a cloud knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The ids of servers that are not deleted.
    pub servers: BTreeSet<String>,
    /// The ids of volumes.
    pub volumes: BTreeSet<String>,
    /// The ids of networks, ports and routers.
    pub devices: BTreeSet<String>,
}

/// A host that can be asked.
pub trait Facts {
    /// Whether the asker is root.
    fn is_root(&self) -> bool;

    /// The text of a file.
    ///
    /// # Errors
    /// Why there is none.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The names in a directory; none where it cannot be read.
    fn names(&self, directory: &Path) -> Vec<String>;

    /// What a command did; `None` when it is not installed.
    fn run(&self, program: &str, arguments: &[&str]) -> Option<Ran>;

    /// Why KVM cannot be used.
    fn kvm_obstacle(&self) -> Option<String>;

    /// Listens at an address, for a moment.
    ///
    /// # Errors
    /// Why not.
    fn listen(&self, address: SocketAddr) -> io::Result<()>;

    /// The room where `path` is, or would be.
    fn space(&self, path: &Path) -> Option<Space>;

    /// The file system where `path` is, or would be: its name, and whether it is of the network.
    fn file_system(&self, path: &Path) -> Option<(String, bool)>;

    /// Whether a cloud could open the database; `None` when there is none.
    fn database(&self, path: &Path) -> Option<Result<(), String>>;

    /// What the database knows.
    fn known(&self, path: &Path) -> Option<Known>;

    /// From when to when the certificate in a file is good; `None` where there is no such file.
    fn certificate(&self, path: &Path) -> Option<Result<(Timestamp, Timestamp), String>>;

    /// The time.
    fn now(&self) -> Timestamp;
}

/// The id of the process that runs the cloud in `data_dir`, where one does.
pub(super) fn running(facts: &dyn Facts, data_dir: &Path) -> Option<String> {
    let pid = facts.read(&data_dir.join("cloudbox.lock")).ok()?.trim().to_owned();
    let name = facts.read(Path::new(&format!("/proc/{pid}/comm"))).ok()?;
    (name.trim() == "cloudbox").then_some(pid)
}
