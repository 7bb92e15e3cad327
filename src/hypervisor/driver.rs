//! The trait that every hypervisor is driven through, and the promises that its drivers keep.
//!
//! * **Verbs say what shall be, not what to do**: each can be repeated, and a repeated one succeeds without
//!   effect. Removing what is not there is success; asking about it is `None`, or [`DriverError::NotFound`]
//!   where the verb makes no sense without it.
//! * **Only ours**: domains that this cloud did not define are not listed, not reported and not touched,
//!   on whichever names they have.
//! * **Every wait has a deadline**, and a future that is dropped stops waiting: what it asked of the
//!   hypervisor may still happen, once.
//! * **No blocking**: the futures may be polled on any async worker.
//! * **Events are hints**: they are bounded and may be lost, and then [`Event::Lost`] says so. What is true is
//!   what [`Driver::list`] and [`Driver::power_state`] answer.
//!
//! One guest's verbs are expected from one task, in order; verbs of different guests run beside each other.
//! [`crate::contract`] holds drivers to this.

use std::time::Duration;

use futures_util::future::BoxFuture;
use kit::ids::ServerId;
use kit::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

use crate::spec::{Disk, DiskKey, DomainSpec, Interface};

/// What a verb answers.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, DriverError>>;

/// A hypervisor.
pub trait Driver: Send + Sync + 'static {
    /// What the hypervisor and the host can do. Constant while the connection lasts.
    fn capabilities(&self) -> Answer<'_, Capabilities>;

    /// What the host has, and how much of it is used.
    fn resources(&self) -> Answer<'_, Resources>;

    /// Makes the guest exist and run. One that runs already is left as it is, whatever `spec` says; one that
    /// does not is defined anew from `spec` and started.
    fn ensure_running<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()>;

    /// Makes the guest exist as `spec` says, without starting it. One that runs takes it up at its next start.
    fn define<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()>;

    /// Starts the guest as it was last defined; paused, it is resumed.
    fn start<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

    /// Asks the guest to power off (ACPI), again every few seconds, and takes its power away after `grace`.
    /// With no `grace` at once. It stays defined.
    fn stop<'a>(&'a self, id: &'a ServerId, grace: Duration) -> Answer<'a, ()>;

    /// Starts the guest again, as it is defined: whether it ran before or not, it runs afterwards, in a new
    /// process. To reboot into another spec, [`Driver::define`] it first.
    fn reboot<'a>(&'a self, id: &'a ServerId, how: Reboot) -> Answer<'a, ()>;

    /// Takes the guest's power away. It stays defined.
    fn destroy<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

    /// Takes the guest's power away and forgets it, with its firmware variables. Its disks, log and tap stay.
    fn remove<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

    /// Freezes the guest where it is. Only one that runs.
    fn pause<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

    /// Lets a frozen guest go on. Only one that runs.
    fn resume<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

    /// The guest's state; `None` when there is no such guest.
    fn power_state<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<PowerState>>;

    /// All guests of this cloud on this host, by id.
    fn list(&self) -> Answer<'_, Vec<(ServerId, PowerState)>>;

    /// The last `tail_lines` lines (all when `None`) of what the guest printed on its serial console, over its
    /// restarts; at most [`CONSOLE_LOG_MAX`] bytes. Empty before it printed anything.
    fn console_log<'a>(&'a self, id: &'a ServerId, tail_lines: Option<usize>) -> Answer<'a, Vec<u8>>;

    /// Where the graphical console listens; `None` when the guest is off or has none.
    fn vnc<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>>;

    /// Where the serial console listens; `None` when the guest is off.
    fn serial<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>>;

    /// Gives the guest a disk, now if it runs and for its next starts. One with that serial (or, without one,
    /// at that target) from the same path counts as there already; another at that target is a conflict.
    fn attach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a Disk) -> Answer<'a, ()>;

    /// Takes a disk from the guest. If it runs the guest has to let go of it, which is waited for up to
    /// `patience`, asking again now and then: [`DriverError::Timeout`] when it does not, and then the guest
    /// still has it. Its next start is without it in any case.
    fn detach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a DiskKey, patience: Duration) -> Answer<'a, ()>;

    /// Gives the guest an interface, now if it runs and for its next starts. One with that MAC address on the
    /// same tap counts as there already; on another it is a conflict.
    fn attach_interface<'a>(&'a self, id: &'a ServerId, interface: &'a Interface) -> Answer<'a, ()>;

    /// Takes the interface with the address `mac` from the guest, in the manner of [`Driver::detach_disk`].
    fn detach_interface<'a>(&'a self, id: &'a ServerId, mac: &'a str, patience: Duration) -> Answer<'a, ()>;

    /// What happens to guests from now on, to this receiver. Each receiver gets everything.
    fn events(&self) -> Events;

    /// Whether the hypervisor can be reached.
    fn health(&self) -> Health;

    /// Lets go of the hypervisor and waits for what is under way; guests keep running. Verbs called later
    /// answer [`DriverError::Disconnected`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The most that [`Driver::console_log`] answers: Nova's own limit.
pub const CONSOLE_LOG_MAX: usize = 100 * 1024;

/// How to start a guest again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reboot {
    /// Ask it to power off and start it then; one that does not within `grace` has its power taken away.
    Soft {
        /// How long it may take.
        grace: Duration,
    },
    /// Take its power away and start it.
    Hard,
}

/// A guest's state, in Nova's terms and with Nova's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PowerState {
    /// The hypervisor does not say.
    NoState = 0,
    /// It runs.
    Running = 1,
    /// It is frozen: by its user, or because its disk failed.
    Paused = 3,
    /// It is off.
    Shutdown = 4,
    /// It stopped because of a fault of the guest or of the hypervisor.
    Crashed = 6,
    /// It sleeps (ACPI S3).
    Suspended = 7,
}

impl PowerState {
    /// Nova's number: `OS-EXT-STS:power_state`.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether the guest has a process on the host.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Suspended)
    }
}

/// Where a console listens, on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// A unix socket.
    Unix(std::path::PathBuf),
    /// A TCP port.
    Tcp(std::net::SocketAddr),
}

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
    /// Whether [`Event`]s are pushed. Where not, only asking tells.
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

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something happened to a guest.
    Guest {
        /// Which.
        server_id: ServerId,
        /// What.
        kind: GuestEvent,
        /// When it was heard of.
        at: Timestamp,
    },
    /// Some events may have been missed (the connection was lost, or the receiver was too slow): ask for the
    /// state of everything.
    Lost,
}

/// What happened to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestEvent {
    /// It runs.
    Started,
    /// It powered itself off.
    Shutdown,
    /// Its power was taken away.
    Stopped,
    /// It stopped because of a fault of the guest or of the hypervisor.
    Crashed,
    /// It was frozen.
    Paused(PauseReason),
    /// It goes on.
    Resumed,
    /// It went to sleep (ACPI S3).
    Suspended,
}

impl GuestEvent {
    /// The state that the guest is in after it.
    #[must_use]
    pub const fn power_state(self) -> PowerState {
        match self {
            Self::Started | Self::Resumed => PowerState::Running,
            Self::Shutdown | Self::Stopped => PowerState::Shutdown,
            Self::Crashed => PowerState::Crashed,
            Self::Paused(_) => PowerState::Paused,
            Self::Suspended => PowerState::Suspended,
        }
    }
}

/// Why a guest was frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Somebody asked for it.
    Asked,
    /// The host could not write its disk (no space, an I/O error): it can be resumed once that is mended.
    IoError,
    /// Something else: a migration, a snapshot, a watchdog.
    Other,
}

/// A receiver of [`Event`]s.
#[derive(Debug)]
pub struct Events(tokio::sync::broadcast::Receiver<Event>);

impl Events {
    /// A receiver on what is sent into `sender` from now on.
    pub(crate) fn of(sender: &tokio::sync::broadcast::Sender<Event>) -> Self {
        Self(sender.subscribe())
    }

    /// The next event. One that fell behind gets [`Event::Lost`] in place of what it missed; `None` once the
    /// driver is gone. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Option<Event> {
        use tokio::sync::broadcast::error::RecvError;
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(Event::Lost),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// There is no such guest.
    #[error("guest {server_id} does not exist")]
    NotFound {
        /// Which.
        server_id: ServerId,
    },
    /// The guest's state does not allow it.
    #[error("{doing}: {reason}")]
    Conflict {
        /// The verb, with its object.
        doing: String,
        /// What is in the way.
        reason: String,
    },
    /// What was asked for makes no guest.
    #[error("not a usable guest: {0}")]
    InvalidSpec(String),
    /// The hypervisor cannot do this.
    #[error("{0} is not supported by the hypervisor")]
    Unsupported(&'static str),
    /// It took longer than it may.
    #[error("{doing} took longer than {after:?}")]
    Timeout {
        /// The verb, with its object.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// Too many verbs are waiting.
    #[error("{doing}: too many requests to the hypervisor are waiting")]
    Busy {
        /// The verb, with its object.
        doing: String,
    },
    /// The hypervisor cannot be reached.
    #[error("{doing}: the hypervisor cannot be reached")]
    Disconnected {
        /// The verb, with its object.
        doing: String,
        /// What the connection said.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The hypervisor refused or failed.
    #[error("{doing} failed")]
    Hypervisor {
        /// The verb, with its object.
        doing: String,
        /// What the hypervisor said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DriverError {
    /// [`DriverError::InvalidSpec`].
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidSpec(what.into())
    }

    /// The error and what caused it, on one line: for the log, never for a client.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

impl From<DriverError> for Fault {
    /// What a client may know of it; the rest is the fault's source.
    fn from(error: DriverError) -> Self {
        match &error {
            DriverError::NotFound { server_id } => {
                Self::not_found(format!("Instance {server_id} could not be found.")).caused_by(error)
            }
            DriverError::Conflict { .. } => {
                Self::conflict("The instance's state on its host does not allow this.").caused_by(error)
            }
            DriverError::InvalidSpec(what) if what.contains('/') => Self::internal("describing the guest", error),
            DriverError::InvalidSpec(what) => {
                Self::bad_request(format!("The hypervisor cannot make this guest: {what}.")).caused_by(error)
            }
            DriverError::Unsupported(what) => {
                Self::not_implemented(format!("{what} is not supported by the hypervisor.")).caused_by(error)
            }
            DriverError::Timeout { .. } => {
                Self::timeout("The hypervisor or the guest did not answer in time.").caused_by(error)
            }
            DriverError::Busy { .. } => Self::busy("The hypervisor is busy.", Duration::from_secs(5)).caused_by(error),
            DriverError::Disconnected { .. } => Self::unavailable("The hypervisor cannot be reached.").caused_by(error),
            DriverError::Hypervisor { .. } => Self::internal("driving the hypervisor", error),
        }
    }
}

/// The UUID that `id` spells.
pub(crate) fn uuid_of(id: &ServerId) -> Result<uuid::Uuid, DriverError> {
    uuid::Uuid::parse_str(id.as_str()).map_err(|_| DriverError::invalid(format!("server id {id} is not a UUID")))
}
