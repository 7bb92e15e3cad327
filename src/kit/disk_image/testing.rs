//! Disk images for tests, made byte by byte: harmless ones that QEMU opens, and hostile ones that nothing must open.
//!
//! Each door that images come in by takes all of [`hostile`] and [`harmless`] through it: upload, import, snapshot, the hosts' cache.

mod containers;
mod corpus;

pub use self::containers::{Vmdk, iso, partitioned, qcow2, qed, vdi, vhd_dynamic, vhd_fixed, vhdx, vmdk};
pub use self::corpus::{harmless, hostile};

/// An image and what should become of it.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// What is special about it.
    pub name: &'static str,
    /// The `disk_format` that it is declared to be.
    pub declared: &'static str,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Puts `data` at `offset`; `bytes` grows where need be.
pub fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes.splice(offset..end, data.iter().copied());
}
