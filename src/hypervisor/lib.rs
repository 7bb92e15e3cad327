//! The hypervisor drivers: one trait, libvirt and a fake behind it.
//!
//! * [`driver`]: the trait [`Driver`], the promises that its verbs keep, states, events, errors.
//! * [`spec`]: what a guest is made of.

pub mod driver;
pub mod spec;

pub use driver::{
    Answer, CONSOLE_LOG_MAX, Capabilities, CpuInfo, CpuTopology, Driver, DriverError, Endpoint, Event, Events,
    GuestEvent, Health, PauseReason, PowerState, Reboot, Resources, VirtType,
};
pub use spec::{
    Backing, CacheMode, Console, Disk, DiskBus, DiskFormat, DiskKey, DomainSpec, Interface, InterfaceModel, Machine,
    Metadata, Vnc, domain_name, next_target,
};
