//! QEMU through libvirt.
//!
//! ```text
//! LibvirtDriver (async) ──jobs──▶ worker (threads) ──▶ session: guest, devices ──▶ libvirt
//!       ▲                                                 ▲          xml: out and back
//!       └── events (libvirt's own loop) ◀── callbacks ────┤
//!                                  link (thread): opens it, watches it, opens it again
//! ```
//!
//! * `qemu:///system` and `qemu:///session` talk to a daemon; `qemu:///embed?root=DIR` has the driver in this process
//!   and needs none: `embed.rs` says what is special about it.
//! * With a daemon QEMU runs as a user of its own (`libvirt-qemu` on Debian). Libvirt gives that user the disks of a
//!   guest it starts, and opens logs and sockets itself where it can, but the directories above them have to be
//!   searchable by it (`chmod o+x`), all the way from `/`: a data directory below `/root` does not work. VNC's
//!   socket is made by QEMU itself: its directory has to be writable for that user.
//! * Domains are persistent, named and numbered by the caller, and marked as ours (`ours.rs`). A domain without the
//!   mark, or with another owner's, is invisible here.
//! * A guest that is started says `Resumed` and then `Started`: libvirt starts its processors first and reports it.
//! * Destroying returns when the guest's process has been reaped, and QEMU is a child of process 1: where that reaps at
//!   its leisure (some containers' do), destroying takes 1.5 s; elsewhere a few milliseconds.
//! * `/dev/kvm` may open and not work: `host.rs` looks at the CPU too. Libvirt offers KVM all the same, and a guest
//!   started with it hangs without a word.

mod copies;
mod devices;
mod driver;
mod embed;
mod error;
mod events;
mod guest;
mod host;
mod library;
mod link;
mod ours;
mod session;
mod usage;
mod worker;
mod xml;

pub use driver::LibvirtDriver;
pub use host::kvm_obstacle_here;
pub use library::load;

use kit::SharedClock;

/// What the driver needs to know.
#[derive(Clone)]
pub struct LibvirtConfig {
    /// `qemu:///system`, `qemu:///session` or `qemu:///embed?root=DIR`.
    pub uri: String,
    /// How guests' instructions shall be executed.
    pub virt_type: VirtTypeChoice,
    /// Whose the guests are: something that two clouds on one libvirt do not share and that survives
    /// restarts, such as the id of the data directory.
    pub owner: String,
    /// What tells events' times.
    pub clock: SharedClock,
}

/// How guests' instructions shall be executed: the configuration's `virt_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VirtTypeChoice {
    /// By KVM where it works, else emulated with a warning.
    #[default]
    Auto,
    /// By KVM; the driver refuses to start where it does not work.
    Kvm,
    /// Emulated.
    Qemu,
}

impl std::str::FromStr for VirtTypeChoice {
    type Err = crate::DriverError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "kvm" => Ok(Self::Kvm),
            "qemu" => Ok(Self::Qemu),
            other => Err(crate::DriverError::invalid(format!("virt_type {other} is not auto, kvm or qemu"))),
        }
    }
}
