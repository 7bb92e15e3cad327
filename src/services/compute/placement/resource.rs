//! What a host offers of one class, what is promised of it, and what a server takes: arithmetic, no I/O.

use bus::topics::compute_types::FlavorSpec;
use bus::topics::conductor::HostInventory;
use kit::config::ComputeConfig;

/// A class of resource, by Placement's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Virtual CPUs.
    Vcpu,
    /// Memory in MiB.
    MemoryMb,
    /// Disk in GiB.
    DiskGb,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Vcpu, Self::MemoryMb, Self::DiskGb];

    /// Placement's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Vcpu => "VCPU",
            Self::MemoryMb => "MEMORY_MB",
            Self::DiskGb => "DISK_GB",
        }
    }

    /// The class with Placement's name `text`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// How much of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// Virtual CPUs.
    pub(crate) vcpus: u64,
    /// Memory in MiB.
    pub(crate) memory_mb: u64,
    /// Disk in GiB.
    pub(crate) disk_gb: u64,
}

impl Amounts {
    /// What a server of `flavor` takes. A root disk on a volume takes no local disk, swap counts in whole GiB.
    pub(crate) fn of(flavor: &FlavorSpec, root_is_local: bool) -> Self {
        let root = if root_is_local { flavor.disk_gb } else { 0 };
        Self {
            vcpus: u64::from(flavor.vcpus),
            memory_mb: flavor.ram_mb,
            disk_gb: root.saturating_add(flavor.ephemeral_gb).saturating_add(flavor.swap_mb.div_ceil(1024)),
        }
    }

    /// That of `class`.
    pub(crate) fn get(&self, class: Class) -> u64 {
        match class {
            Class::Vcpu => self.vcpus,
            Class::MemoryMb => self.memory_mb,
            Class::DiskGb => self.disk_gb,
        }
    }
}

/// One class on one host.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Resource {
    /// How much there is.
    pub(crate) total: u64,
    /// Of this, what the host keeps for itself.
    pub(crate) reserved: u64,
    /// How often the rest is sold.
    pub(crate) ratio: f64,
    /// What is promised.
    pub(crate) used: u64,
}

impl Resource {
    /// The most that can be promised: `(total - reserved) * ratio`, rounded down.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes of hosts"
    )]
    pub(crate) fn capacity(&self) -> u64 {
        (self.total.saturating_sub(self.reserved) as f64 * self.ratio.max(0.0)) as u64
    }

    /// What can still be promised.
    pub(crate) fn free(&self) -> u64 {
        self.capacity().saturating_sub(self.used)
    }

    /// Whether `amount` can be promised to one server: overselling does not make a host larger than it is.
    pub(crate) fn fits(&self, amount: u64) -> bool {
        amount == 0 || (amount <= self.total && amount <= self.free())
    }
}

/// How a cloud sells its hosts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    cpu_ratio: f64,
    ram_ratio: f64,
    disk_ratio: f64,
    reserved_memory_mb: u64,
}

impl Terms {
    /// Those of the configuration.
    pub(crate) fn new(config: &ComputeConfig) -> Self {
        Self {
            cpu_ratio: config.cpu_allocation_ratio,
            ram_ratio: config.ram_allocation_ratio,
            disk_ratio: config.disk_allocation_ratio,
            reserved_memory_mb: config.reserved_host_memory_mb,
        }
    }

    /// What a host with `inventory` offers of `class`; nothing is used of it.
    pub(crate) fn offer(&self, inventory: &HostInventory, class: Class) -> Resource {
        let (total, reserved, ratio) = match class {
            Class::Vcpu => (u64::from(inventory.vcpus), 0, self.cpu_ratio),
            Class::MemoryMb => (inventory.memory_mb, self.reserved_memory_mb, self.ram_ratio),
            Class::DiskGb => (inventory.disk_gb, 0, self.disk_ratio),
        };
        Resource { total, reserved, ratio, used: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_server_takes_its_flavors_disks() {
        let flavor = FlavorSpec {
            id: "1".into(),
            name: "f".into(),
            vcpus: 2,
            ram_mb: 512,
            disk_gb: 10,
            ephemeral_gb: 3,
            swap_mb: 1025,
            extra_specs: BTreeMap::new(),
        };
        assert_eq!(Amounts::of(&flavor, true), Amounts { vcpus: 2, memory_mb: 512, disk_gb: 15 });
        assert_eq!(Amounts::of(&flavor, false).disk_gb, 5);
    }

    #[test]
    fn overselling_sells_many_small_servers_but_none_larger_than_the_host() {
        let cpus = Resource { total: 4, reserved: 0, ratio: 4.0, used: 10 };
        assert_eq!((cpus.capacity(), cpus.free()), (16, 6));
        assert!(cpus.fits(4) && !cpus.fits(5));
        let memory = Resource { total: 1000, reserved: 512, ratio: 1.0, used: 0 };
        assert!(memory.fits(488) && !memory.fits(489));
    }

    proptest! {
        #[test]
        fn what_fits_never_exceeds_the_capacity(
            total in 0_u64..1 << 40, reserved in 0_u64..1 << 40, ratio in 0.0_f64..32.0, used in 0_u64..1 << 40, amount in 1_u64..1 << 40,
        ) {
            let resource = Resource { total, reserved, ratio, used };
            if resource.fits(amount) {
                prop_assert!(used + amount <= resource.capacity());
            }
        }
    }
}
