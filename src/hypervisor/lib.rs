//! The hypervisor drivers: one trait, libvirt and a fake behind it.
//!
//! * [`driver`]: the trait [`Driver`] and the promises that its verbs keep.
//! * [`spec`]: what a guest is made of.
//! * [`capabilities`], [`event`], [`error`]: what a driver answers, pushes and fails with.
//! * [`libvirt`]: QEMU through libvirt: `qemu:///system`, `qemu:///session` and `qemu:///embed?root=DIR`.
//! * [`fake`]: guests that exist in memory (or in a directory) alone, and fail when told to.
//! * [`contract`]: the suite that holds both to the trait's promises.
//!
//! The crate knows no service, no database and no network: whoever drives it owns the files and taps
//! that a [`DomainSpec`] names.

pub mod capabilities;
mod console;
pub mod contract;
pub mod driver;
pub mod error;
pub mod event;
pub mod fake;
pub mod libvirt;
pub mod spec;

pub use capabilities::{Capabilities, CpuInfo, CpuTopology, GuestUsage, Health, Resources, VirtType};
pub use driver::{Answer, CONSOLE_LOG_MAX, Driver, Endpoint, Quiesce, Reboot};
pub use error::DriverError;
pub use event::{Event, Events, GuestEvent, PauseReason};
pub use fake::{FakeConfig, FakeDriver};
pub use kit::PowerState;
pub use libvirt::{LibvirtConfig, LibvirtDriver, VirtTypeChoice};
pub use spec::{
    Backing, CacheMode, Console, Disk, DiskBus, DiskFormat, DiskKey, DomainSpec, Interface, InterfaceModel, Machine,
    Metadata, Vnc, domain_name, next_target,
};
