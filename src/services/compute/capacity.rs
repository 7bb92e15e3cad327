//! What the hosts offer and have promised, for the operator's view of the cloud.

use std::collections::HashMap;

use kit::Fault;
use kit::ids::HostId;

use crate::Compute;
use crate::db::hosts;
use crate::placement;
use crate::placement::resource::{Class, Resource};

/// A host, and what is taken of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCapacity {
    /// Its name.
    pub host: HostId,
    /// Whether it has been heard of lately.
    pub up: bool,
    /// Whether an operator has disabled it.
    pub disabled: bool,
    /// Servers on it.
    pub servers: u64,
    /// Virtual CPUs.
    pub vcpus: Share,
    /// Memory, in MiB.
    pub memory_mb: Share,
    /// Disk, in GiB.
    pub disk_gb: Share,
}

/// How much there is of something, and how much is promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How much there is.
    pub total: u64,
    /// The most that is promised: without what the host keeps, and with the allocation ratio.
    pub sellable: u64,
    /// What is promised.
    pub used: u64,
}

impl Compute {
    /// All hosts, in the order in which they came.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn capacity(&self) -> Result<Vec<HostCapacity>, Fault> {
        let read = |db: &store::Connection| Ok::<_, store::Error>((placement::db::hosts(db, None)?, hosts::usage(db)?));
        let (found, usage) = self.store.read(read).await?;
        let usage: HashMap<HostId, hosts::Usage> = usage.into_iter().collect();
        let now = self.now();
        let capacity = found.into_iter().map(|(host, standing)| {
            let share = |class: Class| standing.resources.get(class as usize).map(share).unwrap_or_default();
            let servers = usage.get(&host.host).map_or(0, |usage| usage.instances);
            HostCapacity {
                up: host.is_up(now),
                disabled: host.disabled,
                servers: u64::try_from(servers).unwrap_or_default(),
                vcpus: share(Class::Vcpu),
                memory_mb: share(Class::MemoryMb),
                disk_gb: share(Class::DiskGb),
                host: host.host,
            }
        });
        Ok(capacity.collect())
    }
}

fn share(resource: &Resource) -> Share {
    Share { total: resource.total, sellable: resource.capacity(), used: resource.used }
}
