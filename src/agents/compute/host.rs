//! What the host offers.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;

use bus::topics::conductor::HostInventory;
use kit::Fault;

use crate::agent::ComputeAgent;
use crate::disks::{DiskError, blocking};

const GIB: u64 = 1 << 30;
/// Belongs to the user that QEMU runs as under the system's libvirt.
const QEMU_HOME: &str = "/var/lib/libvirt/qemu";

/// What the host offers, measured now.
///
/// # Errors
/// Where the hypervisor or the file system does not answer.
pub(crate) async fn inventory(agent: &ComputeAgent) -> Result<HostInventory, Fault> {
    let capabilities = agent.driver.capabilities().await?;
    let resources = agent.driver.resources().await?;
    let directory = agent.paths.instances();
    let (total, free) = blocking(move || space(&directory)).await?;
    let cpu_info =
        serde_json::to_string(&capabilities.cpu).map_err(|error| Fault::internal("describing the processor", error))?;
    Ok(HostInventory {
        hypervisor_type: capabilities.hypervisor_type,
        hypervisor_version: capabilities.hypervisor_version,
        virt_type: capabilities.virt_type.as_str().to_owned(),
        hypervisor_hostname: capabilities.hostname,
        host_ip: address().to_string(),
        cpu_info,
        vcpus: resources.vcpus,
        memory_mb: resources.memory_mb,
        disk_gb: total / GIB,
        disk_free_gb: free / GIB,
        memory_used_mb: resources.memory_mb_used,
        running_vms: resources.running_vms,
    })
}

/// The size of the file system of `directory`, and what of it is free for us, in bytes.
fn space(directory: &Path) -> Result<(u64, u64), DiskError> {
    let stat = rustix::fs::statvfs(directory).map_err(|errno| DiskError::io("measuring the disk")(errno.into()))?;
    Ok((stat.f_blocks.saturating_mul(stat.f_frsize), stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// The address that the host reaches others from. Nothing is sent.
fn address() -> IpAddr {
    let find = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok::<_, std::io::Error>(socket.local_addr()?.ip())
    };
    find().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Under the system's libvirt QEMU runs as a user of its own, who has to be able to make sockets in `run`.
pub(crate) fn hand_over_sockets(uri: &str, run: &Path) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    if uri != "qemu:///system" {
        return;
    }
    let handed = std::fs::metadata(QEMU_HOME).and_then(|home| chown(run, Some(home.uid()), Some(home.gid())));
    if let Err(error) = handed {
        tracing::warn!(%error, "the directory of sockets cannot be given to QEMU's user");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_a_size_and_less_that_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let (total, free) = space(dir.path()).unwrap();
        assert!(total > 0 && free <= total);
        assert!(space(&dir.path().join("missing")).is_err());
    }
}
