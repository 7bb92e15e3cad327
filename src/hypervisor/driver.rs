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
//! * **Events are hints**: they are bounded and may be lost, and then [`crate::Event::Lost`] says so. What is true is
//!   what [`Driver::list`] and [`Driver::power_state`] answer.
//!
//! One guest's verbs are expected from one task, in order; verbs of different guests run beside each other.
//! [`crate::contract`] holds drivers to this.

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kit::PowerState;
use kit::ids::ServerId;
use serde::{Deserialize, Serialize};

use crate::capabilities::{Capabilities, GuestUsage, Health, Resources};
use crate::error::DriverError;
use crate::event::Events;
use crate::spec::{Disk, DiskKey, DomainSpec, Interface};

/// What a verb answers.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, DriverError>>;

/// A hypervisor.
pub trait Driver: Send + Sync + 'static {
    /// What the hypervisor and the host can do. Constant while the connection lasts.
    fn capabilities(&self) -> Answer<'_, Capabilities>;

    /// What the host has, and how much of it is used.
    fn resources(&self) -> Answer<'_, Resources>;

    /// What each of our guests that run has used since it was started, by id. A guest whose hypervisor is busy with it may
    /// be told of in part: this never waits for one.
    fn usage(&self) -> Answer<'_, Vec<(ServerId, GuestUsage)>>;

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

    /// Copies what a disk of a guest that is on (running or frozen) holds at one moment into the qcow2 file `to`, with all
    /// that the disk lies on: the copy lies on nothing. The guest goes on meanwhile. A file that is there is replaced.
    ///
    /// `false`: the guest is off, or went off meanwhile; its disk is a file like any other then, and what is at `to` does not
    /// count. A copy whose future was dropped goes on until [`Driver::stop_copying`].
    fn copy_disk<'a>(&'a self, id: &'a ServerId, disk: &'a DiskKey, to: &'a Path, quiesce: Quiesce)
    -> Answer<'a, bool>;

    /// Ends a copy of the guest's disk that is under way, and has its file systems go on where a copy had them stop. What was
    /// copied stays. Fine where there is no copy, and no guest.
    fn stop_copying<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()>;

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

/// Whether the guest writes down what it has in memory before its disk is copied. Its agent does that, for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiesce {
    /// It is not asked: the copy is what a power cut would leave.
    No,
    /// It is asked, and copied all the same where it does not answer.
    Try,
    /// It is not copied where it does not answer.
    Must,
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
