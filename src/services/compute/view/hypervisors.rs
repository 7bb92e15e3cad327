//! Hypervisors, as administrators see them.

use kit::Timestamp;
use serde_json::{Value, json};

use super::Look;
use super::set;
use crate::db::hosts::{Host, Usage};

/// Its id: a number until 2.52.
fn id(look: &Look, host: &Host) -> Value {
    if look.since(53) { json!(host.uuid) } else { json!(host.number) }
}

/// An entry of a list.
#[must_use]
pub fn basic(look: &Look, host: &Host, now: Timestamp) -> Value {
    json!({
        "id": id(look, host),
        "hypervisor_hostname": host.inventory.hypervisor_hostname,
        "state": if host.is_up(now) { "up" } else { "down" },
        "status": if host.disabled { "disabled" } else { "enabled" },
    })
}

/// One in full. What was measured of a host went with 2.88: placement knows better.
#[must_use]
pub fn detail(look: &Look, host: &Host, usage: Usage, now: Timestamp) -> Value {
    let mut view = basic(look, host, now);
    let inventory = &host.inventory;
    let service_id = if look.since(53) { json!(host.service_uuid) } else { json!(host.number) };
    set(&mut view, "hypervisor_type", json!(inventory.hypervisor_type));
    set(&mut view, "hypervisor_version", json!(inventory.hypervisor_version));
    set(&mut view, "host_ip", json!(inventory.host_ip));
    set(&mut view, "service", json!({ "id": service_id, "host": host.host, "disabled_reason": host.disabled_reason }));
    if look.since(88) {
        set(&mut view, "uptime", Value::Null);
        return view;
    }
    let (memory, disk) = (signed(inventory.memory_mb), signed(inventory.disk_gb));
    set(
        &mut view,
        "cpu_info",
        match serde_json::from_str::<Value>(&inventory.cpu_info) {
            Ok(parsed) if look.since(28) && parsed.is_object() => parsed,
            _ if look.since(28) => json!({}),
            _ => json!(inventory.cpu_info),
        },
    );
    set(&mut view, "current_workload", json!(0));
    set(&mut view, "disk_available_least", json!(inventory.disk_free_gb));
    set(&mut view, "free_disk_gb", json!(disk - usage.disk_gb));
    set(&mut view, "free_ram_mb", json!(memory - usage.memory_mb));
    set(&mut view, "local_gb", json!(disk));
    set(&mut view, "local_gb_used", json!(usage.disk_gb));
    set(&mut view, "memory_mb", json!(memory));
    set(&mut view, "memory_mb_used", json!(usage.memory_mb));
    set(&mut view, "running_vms", json!(usage.instances));
    set(&mut view, "vcpus", json!(inventory.vcpus));
    set(&mut view, "vcpus_used", json!(usage.vcpus));
    view
}

/// The sums over all hosts.
#[must_use]
pub fn statistics(hosts: &[(Host, Usage)]) -> Value {
    let sum = |of: &dyn Fn(&Host, &Usage) -> i64| hosts.iter().map(|(host, usage)| of(host, usage)).sum::<i64>();
    let memory = sum(&|host, _| signed(host.inventory.memory_mb));
    let disk = sum(&|host, _| signed(host.inventory.disk_gb));
    let (memory_used, disk_used) = (sum(&|_, usage| usage.memory_mb), sum(&|_, usage| usage.disk_gb));
    json!({ "hypervisor_statistics": {
        "count": hosts.len(),
        "current_workload": 0,
        "disk_available_least": sum(&|host, _| signed(host.inventory.disk_free_gb)),
        "free_disk_gb": disk - disk_used,
        "free_ram_mb": memory - memory_used,
        "local_gb": disk,
        "local_gb_used": disk_used,
        "memory_mb": memory,
        "memory_mb_used": memory_used,
        "running_vms": sum(&|_, usage| usage.instances),
        "vcpus": sum(&|host, _| i64::from(host.inventory.vcpus)),
        "vcpus_used": sum(&|_, usage| usage.vcpus),
    }})
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
