//! What a hypervisor and its host can do, what they have, and whether they can be reached.

use kit::Timestamp;
use serde::{Deserialize, Serialize};

/// What a hypervisor and its host can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Nova's `hypervisor_type`: `QEMU`, `fake`.
    pub hypervisor_type: String,
    /// Nova's `hypervisor_version`: 10.0.2 is 10 000 002.
    pub hypervisor_version: u64,
    /// How guests' instructions are executed.
    pub virt_type: VirtType,
    /// Why it is not [`VirtType::Kvm`] although nobody asked for emulation: for the log and for `doctor`.
    pub emulation_reason: Option<String>,
    /// The host's CPU.
    pub cpu: CpuInfo,
    /// The host's name as the hypervisor knows it.
    pub hostname: String,
    /// Processors of the host.
    pub vcpus: u32,
    /// Memory of the host, in MiB.
    pub memory_mb: u64,
    /// Whether disks can come and go while a guest runs.
    pub supports_disk_hotplug: bool,
    /// Whether interfaces can come and go while a guest runs.
    pub supports_interface_hotplug: bool,
    /// Whether [`Event`](crate::Event)s are pushed. Where not, only asking tells.
    pub supports_events: bool,
    /// Whether guests outlive the process that started them.
    pub supports_surviving_restart: bool,
}

/// How guests' instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VirtType {
    /// By the CPU.
    Kvm,
    /// By QEMU's translator: ten to fifty times slower, and works anywhere.
    Qemu,
    /// Not at all.
    Fake,
}

impl VirtType {
    /// Libvirt's and Nova's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Qemu => "qemu",
            Self::Fake => "fake",
        }
    }
}

/// The host's CPU: serialised, it is the `cpu_info` of Nova's hypervisors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuInfo {
    /// `x86_64`.
    pub arch: String,
    /// The nearest model that the hypervisor knows.
    pub model: String,
    /// `Intel`, `AMD`.
    pub vendor: String,
    /// How many of each there are.
    pub topology: CpuTopology,
    /// What it has beyond the model.
    pub features: Vec<String>,
}

/// The host's CPU: how many of each there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTopology {
    /// NUMA cells.
    pub cells: u32,
    /// Sockets of a cell.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

/// What a guest that runs has used since it was started. A counter that the hypervisor does not tell is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestUsage {
    /// Time on the host's processors, in nanoseconds.
    pub cpu_nanos: u64,
    /// Its virtual CPUs.
    pub vcpus: u64,
    /// Memory that it has been given, in bytes.
    pub memory_bytes: u64,
    /// Memory of the host that its process holds, in bytes.
    pub resident_bytes: u64,
    /// Bytes that it read from all its disks.
    pub disk_read_bytes: u64,
    /// How many reads that took.
    pub disk_reads: u64,
    /// Bytes that it wrote to all its disks.
    pub disk_written_bytes: u64,
    /// How many writes that took.
    pub disk_writes: u64,
    /// Bytes that came to it over all its interfaces.
    pub received_bytes: u64,
    /// In how many packets.
    pub received_packets: u64,
    /// Bytes that it sent over all its interfaces.
    pub sent_bytes: u64,
    /// In how many packets.
    pub sent_packets: u64,
}

/// What the host has, and how much of it is used: measured, not promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processors of the host.
    pub vcpus: u32,
    /// Virtual CPUs of our guests that run.
    pub vcpus_used: u32,
    /// Memory of the host, in MiB.
    pub memory_mb: u64,
    /// Memory of the host that is in use by anything, in MiB.
    pub memory_mb_used: u64,
    /// Our guests that run.
    pub running_vms: u32,
}

/// Whether the hypervisor can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether it can.
    pub connected: bool,
    /// Since when it has been so.
    pub since: Timestamp,
    /// Why not.
    pub error: Option<String>,
}
