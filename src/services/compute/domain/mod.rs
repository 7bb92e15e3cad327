//! What compute knows and decides: pure functions over plain data, no I/O.

pub mod address;
pub mod boot;
pub mod console;
pub mod device_name;
pub mod disks;
pub mod keypair;
pub mod naming;
pub mod operation;
pub mod quota;
pub mod snapshot;
pub mod status;
pub mod trace;
