//! Copies of disks that are none.

use std::path::Path;

use kit::ids::ServerId;

use super::Host;
use super::driver::conflict;
use crate::driver::Quiesce;
use crate::error::DriverError;
use crate::spec::DiskKey;

/// A qcow2 of 1 GiB with nothing in it: what any copy of a disk that is none is.
#[must_use]
pub fn empty_disk() -> Vec<u8> {
    kit::disk_image::testing::qcow2(1 << 30)
}

impl Host {
    /// Leaves at `to` what stands for a copy of the disk: an empty qcow2.
    pub(super) fn copy_disk(
        &self,
        id: &ServerId,
        key: &DiskKey,
        to: &Path,
        quiesce: Quiesce,
    ) -> Result<bool, DriverError> {
        let guests = self.guests();
        let Some(live) = &guests.get(id)?.live else { return Ok(false) };
        if !live.disks.iter().any(|disk| key.matches(&disk.target, &disk.serial)) {
            return Err(conflict(id, format!("it has no {key}")));
        }
        if quiesce == Quiesce::Must && live.agent_socket.is_none() {
            return Err(conflict(id, "its agent does not answer".to_owned()));
        }
        std::fs::write(to, empty_disk()).map_err(|error| DriverError::Hypervisor {
            doing: format!("copying a disk of guest {id}"),
            source: Box::new(error),
        })?;
        Ok(true)
    }
}
