//! Which hosts can take a server: a list of filters, each a name, a test, and the words for what was missing.
//!
//! The names, the order and what each lets pass are Nova's as far as a host here has it.

use bus::topics::conductor::HostInventory;

use super::wanted::Wanted;
use crate::domain::boot::DEFAULT_ZONE;
use crate::placement::group::Policy;
use crate::placement::resource::Class;
use crate::placement::view::HostState;

/// One filter.
pub(crate) struct Filter {
    /// Its name in what is said when no host is left.
    pub(crate) name: &'static str,
    /// Whether anything is wanted that it looks at. It is not spoken of where not.
    pub(crate) applies: fn(wanted: &Wanted) -> bool,
    /// Whether `host` can take what is wanted.
    pub(crate) passes: fn(host: &HostState, wanted: &Wanted) -> bool,
    /// What was wanted, and how far the hosts that came here were from it.
    pub(crate) missing: fn(wanted: &Wanted, hosts: &[&HostState]) -> String,
}

/// All filters, in the order in which they are applied: the cheap and the telling ones first.
pub(crate) static FILTERS: &[Filter] = &[
    Filter {
        name: "requested host",
        applies: |wanted| wanted.spec.host.is_some(),
        passes: |host, wanted| wanted.spec.host.as_ref().is_none_or(|only| only == host.name()),
        missing: |wanted, _| match &wanted.spec.host {
            Some(host) => format!("there is no host {host}"),
            None => String::new(),
        },
    },
    Filter {
        name: "not tried yet",
        applies: |wanted| !wanted.spec.excluded.is_empty(),
        passes: |host, wanted| !wanted.spec.excluded.contains(host.name()),
        missing: |wanted, _| format!("the build has already failed on {}", join(&wanted.spec.excluded)),
    },
    Filter {
        name: "compute",
        applies: |_| true,
        passes: |host, wanted| !host.standing.disabled && host.is_up(wanted.now),
        missing: |wanted, hosts| list(hosts, |host| why_not_up(host, wanted)),
    },
    Filter {
        name: "availability zone",
        applies: |wanted| wanted.spec.availability_zone.is_some(),
        passes: |_, wanted| wanted.spec.availability_zone.as_deref().is_none_or(|zone| zone == DEFAULT_ZONE),
        missing: |wanted, _| {
            let zone = wanted.spec.availability_zone.as_deref().unwrap_or_default();
            format!("wanted zone {zone}, all hosts are in {DEFAULT_ZONE}")
        },
    },
    Filter {
        name: "image properties",
        applies: |wanted| wanted.image != ImageNeeds::default(),
        passes: image_fits,
        missing: |wanted, hosts| {
            let has = list(hosts, |host| {
                let arch = host.arch.as_deref().unwrap_or("unknown");
                format!("{} is {arch}, {}", host.name(), host.inventory.hypervisor_type)
            });
            format!("wanted {}; {has}", wanted.image.describe())
        },
    },
    Filter {
        name: "same host",
        applies: |wanted| wanted.same_host.is_some(),
        passes: |host, wanted| wanted.same_host.as_ref().is_none_or(|hosts| hosts.contains(host.name())),
        missing: |wanted, _| match wanted.same_host.as_deref() {
            None | Some([]) => "the servers named by same_host are on no host".to_owned(),
            Some(hosts) => format!("wanted {}", join(hosts)),
        },
    },
    Filter {
        name: "different host",
        applies: |wanted| !wanted.different_host.is_empty(),
        passes: |host, wanted| !wanted.different_host.contains(host.name()),
        missing: |wanted, _| format!("wanted none of {}", join(&wanted.different_host)),
    },
    Filter {
        name: "server group",
        applies: |wanted| wanted.group.is_some(),
        passes: |host, wanted| wanted.group.as_ref().is_none_or(|group| group.allows(host.name())),
        missing: |wanted, _| match wanted.group.as_ref().map(|group| group.policy) {
            Some(Policy::AntiAffinity(most)) => format!("anti-affinity: at most {most} on one host"),
            _ => "affinity: the group's servers are on another host".to_owned(),
        },
    },
    Filter {
        name: "vcpu",
        applies: |_| true,
        passes: |host, wanted| fits(host, wanted, Class::Vcpu),
        missing: |wanted, hosts| short(wanted, hosts, Class::Vcpu),
    },
    Filter {
        name: "ram",
        applies: |_| true,
        passes: |host, wanted| fits(host, wanted, Class::MemoryMb),
        missing: |wanted, hosts| short(wanted, hosts, Class::MemoryMb),
    },
    Filter {
        name: "disk",
        applies: |_| true,
        passes: |host, wanted| fits(host, wanted, Class::DiskGb),
        missing: |wanted, hosts| short(wanted, hosts, Class::DiskGb),
    },
];

/// What an image says about the hosts that can run it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageNeeds {
    architecture: Option<String>,
    hypervisor: Option<String>,
    mode: Option<String>,
}

impl ImageNeeds {
    /// What `properties`, by Glance's names or Nova's own, ask for.
    pub(crate) fn of(properties: &std::collections::BTreeMap<String, String>) -> Self {
        let any = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| properties.get(*name))
                .filter(|value| !value.is_empty())
                .map(|v| v.to_lowercase())
        };
        Self {
            architecture: any(["hw_architecture", "architecture"]).map(|arch| canonical(&arch).to_owned()),
            hypervisor: any(["img_hv_type", "hypervisor_type"]),
            mode: any(["hw_vm_mode", "vm_mode"]),
        }
    }

    fn describe(&self) -> String {
        let parts = [("architecture", &self.architecture), ("hypervisor", &self.hypervisor), ("mode", &self.mode)];
        let said: Vec<_> =
            parts.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}"))).collect();
        said.join(", ")
    }
}

/// One name for an architecture that has several.
fn canonical(arch: &str) -> &str {
    match arch {
        "amd64" | "x64" => "x86_64",
        "arm64" => "aarch64",
        "i386" | "i486" | "i586" | "x86" | "ia32" => "i686",
        other => other,
    }
}

fn image_fits(host: &HostState, wanted: &Wanted) -> bool {
    let runs = |arch: &str| match host.arch.as_deref().map(canonical) {
        None => true,
        Some("x86_64") => matches!(arch, "x86_64" | "i686"),
        Some(own) => own == arch,
    };
    let image = &wanted.image;
    image.architecture.as_deref().is_none_or(runs)
        && image.hypervisor.as_deref().is_none_or(|kind| is_hypervisor(&host.inventory, kind))
        && image.mode.as_deref().is_none_or(|mode| mode == "hvm")
}

/// A QEMU host emulates whatever it does not accelerate.
fn is_hypervisor(inventory: &HostInventory, kind: &str) -> bool {
    inventory.hypervisor_type.eq_ignore_ascii_case(kind) || inventory.virt_type.eq_ignore_ascii_case(kind)
}

fn fits(host: &HostState, wanted: &Wanted, class: Class) -> bool {
    host.resource(class).fits(wanted.amounts.get(class))
}

fn short(wanted: &Wanted, hosts: &[&HostState], class: Class) -> String {
    let unit = match class {
        Class::Vcpu => "VCPUs",
        Class::MemoryMb => "MB",
        Class::DiskGb => "GB",
    };
    let amount = wanted.amounts.get(class);
    let free = |host: &HostState| host.resource(class).free();
    let Some(best) = hosts.iter().copied().max_by_key(|host| free(host)) else {
        return format!("wanted {amount} {unit}");
    };
    let (most, total) = (free(best), best.resource(class).total);
    if most >= amount {
        // Enough by overselling, on a host that is smaller than the server.
        return format!("wanted {amount} {unit} for one server, host {} has {total} {unit}", best.name());
    }
    format!("wanted {amount} {unit}, most free {most} {unit} on host {}", best.name())
}

fn why_not_up(host: &HostState, wanted: &Wanted) -> String {
    let name = host.name();
    match (&host.standing.disabled_reason, host.standing.disabled) {
        (Some(reason), true) => format!("{name} is disabled: {reason}"),
        (None, true) => format!("{name} is disabled"),
        (_, false) if host.standing.forced_down => format!("{name} is forced down"),
        (_, false) => {
            let silent = wanted.now.duration_since(host.standing.seen).as_secs();
            format!("{name} has not been heard of for {silent} s")
        }
    }
}

fn join(hosts: &[kit::ids::HostId]) -> String {
    hosts.iter().map(kit::ids::HostId::as_str).collect::<Vec<_>>().join(", ")
}

/// The first few hosts, each in words.
fn list(hosts: &[&HostState], words: impl Fn(&HostState) -> String) -> String {
    const MOST: usize = 3;
    let mut said: Vec<String> = hosts.iter().take(MOST).map(|host| words(host)).collect();
    if hosts.len() > MOST {
        said.push("…".to_owned());
    }
    said.join(", ")
}
