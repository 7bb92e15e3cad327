//! Topic `conductor`: the database, for those who have none. Compute agents read and write through it.

use kit::ids::{AttachmentId, HostId, ServerId, VolumeId, WorkflowId};
use kit::{Fault, PowerState, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::compute_types::{Instance, TaskState, Vif, VmState};
use super::volume::ConnectionInfo;
use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "conductor";

rpc! { TOPIC:
    GetInstance         => Instance,
    UpdateInstance      => bool,
    UpdateBlockDevice   => (),
    BuildFailed         => (),
    OperationFailed     => (),
    InstanceDeleted     => (),
    VolumeDetached      => (),
    PowerStateChanged   => (),
    RegisterHost        => HostRegistered,
    ReportEvent         => (),
    ReportSpans         => (),
    SaveJournal         => (),
    FinishJournal       => (),
    UnfinishedJournals  => Vec<JournalRecord>,
}

/// All about one server. 404 when there is none. Steps B8 and B9 of a boot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetInstance {
    /// Which.
    pub server_id: ServerId,
}

/// Changes a server's row if its task state is still one of `expected`; says whether it did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpdateInstance {
    /// Which.
    pub server_id: ServerId,
    /// The task states in which the change is allowed; any when empty.
    pub expected: Vec<Option<TaskState>>,
    /// What changes.
    pub change: InstanceChange,
}

/// What changes about a server. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceChange {
    /// What it is.
    pub vm_state: Option<VmState>,
    /// What is being done to it; `Some(None)` for nothing.
    #[serde(with = "crate::double_option")]
    pub task_state: Option<Option<TaskState>>,
    /// What its guest does.
    pub power_state: Option<PowerState>,
    /// Its interfaces.
    pub network_info: Option<Vec<Vif>>,
    /// When it first ran.
    pub launched_at: Option<Timestamp>,
    /// The disk that it boots from.
    pub root_device_name: Option<String>,
}

/// What the build found out about a disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpdateBlockDevice {
    /// The mapping's number.
    pub id: i64,
    /// The volume that was made for it.
    pub volume_id: Option<VolumeId>,
    /// Its attachment.
    pub attachment_id: Option<AttachmentId>,
    /// How it is reached.
    pub connection: Option<ConnectionInfo>,
    /// Its name.
    pub device_name: Option<String>,
}

/// A build failed on `host`, which has given everything back that it had taken. Conductor frees the
/// allocation and either has another host chosen or puts the server into ERROR with this fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildFailed {
    /// Which.
    pub server_id: ServerId,
    /// Where.
    pub host: HostId,
    /// Why.
    pub fault: Fault,
    /// Whether another host may do better.
    pub retry: bool,
}

/// Something else than a build failed: the fault is recorded, the task state cleared and `vm_state` set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperationFailed {
    /// Which.
    pub server_id: ServerId,
    /// Why.
    pub fault: Fault,
    /// What the server is now; unchanged when `None`.
    pub vm_state: Option<VmState>,
}

/// A server is gone from its host: its row, allocation and mappings go too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceDeleted {
    /// Which.
    pub server_id: ServerId,
}

/// A volume is no longer attached: its mapping goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VolumeDetached {
    /// From which.
    pub server_id: ServerId,
    /// Which volume.
    pub volume_id: VolumeId,
}

/// The hypervisor says that a guest's power state changed without cloudbox having asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PowerStateChanged {
    /// Which.
    pub server_id: ServerId,
    /// To what.
    pub power_state: PowerState,
    /// When.
    pub at: Timestamp,
}

/// A host is there, with this to offer. Sent at start and then regularly: it is also the heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterHost {
    /// Its name.
    pub host: HostId,
    /// What it offers.
    pub inventory: HostInventory,
    /// Whether the agent has just started, and nothing is under way there.
    pub starting: bool,
}

/// What a host offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostInventory {
    /// `QEMU`, `fake`, ….
    pub hypervisor_type: String,
    /// QEMU 10.0.2 is `10000002`.
    pub hypervisor_version: u64,
    /// `kvm` or `qemu`.
    pub virt_type: String,
    /// Its name as a hypervisor.
    pub hypervisor_hostname: String,
    /// An address of it.
    pub host_ip: String,
    /// Arch, model, vendor, topology and features, as JSON: Nova's `cpu_info`.
    pub cpu_info: String,
    /// CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mb: u64,
    /// Disk in GiB, where guests' disks go.
    pub disk_gb: u64,
    /// Of this, what is free for real, in GiB.
    pub disk_free_gb: u64,
    /// Memory in use for real, in MiB.
    pub memory_used_mb: u64,
    /// Guests that run.
    pub running_vms: u32,
}

/// What conductor tells a host that has registered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HostRegistered {
    /// The servers that belong there, in no particular order.
    pub instances: Vec<Instance>,
}

/// One step of what was done to a server: an event of its instance action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportEvent {
    /// Which.
    pub server_id: ServerId,
    /// The request that the action belongs to.
    pub request_id: String,
    /// `compute__do_build_and_run_instance`, ….
    pub event: String,
    /// Where.
    pub host: HostId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The failure's public message, where it failed.
    pub error: Option<String>,
}

/// Spans of a request that concern a server: kept with its instance action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportSpans {
    /// Which.
    pub server_id: ServerId,
    /// The request.
    pub request_id: String,
    /// The spans.
    pub spans: Vec<Span>,
}

/// Where a workflow of a host stands. Saved without waiting for the disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SaveJournal {
    /// The record.
    pub record: JournalRecord,
}

/// A workflow is over: its record goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishJournal {
    /// Which.
    pub id: WorkflowId,
}

/// The workflows of a host that were not over when it stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnfinishedJournals {
    /// Which host.
    pub host: HostId,
}

/// A workflow's record; `body` is what the workflow engine wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// Which run.
    pub id: WorkflowId,
    /// On which host.
    pub host: HostId,
    /// `server.build`, ….
    pub kind: String,
    /// What it is about: a server's id.
    pub subject: String,
    /// The engine's record, as JSON.
    pub body: String,
}
