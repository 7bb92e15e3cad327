//! `cloudbox hypervisor`: hypervisors: the hosts that run VMs.

use super::resource::{Answer, Resource, call, columns, get, list, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Hypervisors.
pub static HYPERVISOR: Noun = kind(
    ("hypervisor", "hypervisor"),
    Service::Compute,
    ("/os-hypervisors/detail", "/os-hypervisors"),
    ("hypervisors", Some("hypervisor")),
    ByName::No,
)
.called(&["/hypervisor_hostname"]);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &HYPERVISOR,
    about: "Hypervisors: the hosts that run VMs",
    list: columns! {
        "Host": "/hypervisor_hostname", "State": "/state", "Status": "/status", "Type": "/hypervisor_type", "VMs": "/running_vms",
        "vCPUs used": "/vcpus_used", "vCPUs": "/vcpus", "Memory used": "/memory_mb_used" wide, "Memory": "/memory_mb" wide,
        "Address": "/host_ip" wide, "Id": "/id",
    },
    show: columns! {
        "Host": "/hypervisor_hostname", "Id": "/id", "State": "/state", "Status": "/status", "Type": "/hypervisor_type",
        "Version": "/hypervisor_version", "Address": "/host_ip", "VMs": "/running_vms", "vCPUs": "/vcpus",
        "vCPUs used": "/vcpus_used", "Memory MiB": "/memory_mb", "Memory used MiB": "/memory_mb_used", "Disk GiB": "/local_gb",
        "Disk used GiB": "/local_gb_used",
    },
    verbs: &[
        list(&[]),
        show(),
        call(
            "statistics",
            "Add up what all hosts have and what is used of it",
            &[],
            get(&["/os-hypervisors/statistics"], Answer::Fields("hypervisor_statistics")),
        ),
    ],
};
