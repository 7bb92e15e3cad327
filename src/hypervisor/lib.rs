//! The hypervisor drivers: one trait, libvirt and a fake behind it.
