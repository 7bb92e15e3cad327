//! Availability zones: `nova`, where the hosts are, and for administrators `internal`, where the services are.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::{Fault, Timestamp};
use serde_json::{Map, Value, json};

use crate::Compute;
use crate::db::hosts::{self, Host};
use crate::domain::boot::DEFAULT_ZONE;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/os-availability-zone", "os_compute_api:os-availability-zone:list", &list),
    Endpoint::get("/os-availability-zone/detail", "os_compute_api:os-availability-zone:detail", &detail),
];

fn zone(name: &str, available: bool, hosts: &Value) -> Value {
    json!({ "zoneName": name, "zoneState": { "available": available }, "hosts": hosts })
}

/// A zone is there while a host of it is enabled.
fn has_enabled(hosts: &[Host]) -> bool {
    hosts.iter().any(|host| !host.disabled)
}

async fn list(compute: Arc<Compute>, _request: Request) -> Result<Reply, Fault> {
    let hosts = compute.store.read(hosts::list).await.map_err(Fault::from)?;
    let zones: Vec<Value> =
        if hosts.is_empty() { Vec::new() } else { vec![zone(DEFAULT_ZONE, has_enabled(&hosts), &Value::Null)] };
    Ok(Reply::ok(json!({ "availabilityZoneInfo": zones })))
}

fn service(active: bool, available: bool, at: Timestamp) -> Value {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    json!({ "available": available, "active": active, "updated_at": kit::time::micros_naive(at) })
}

async fn detail(compute: Arc<Compute>, _request: Request) -> Result<Reply, Fault> {
    let hosts = compute.store.read(hosts::list).await.map_err(Fault::from)?;
    let now = compute.now();
    let own = json!({ "nova-conductor": service(true, true, now), "nova-scheduler": service(true, true, now) });
    let internal = json!({ super::services::own_host(&compute, &hosts): own });
    let computes: Map<String, Value> = hosts
        .iter()
        .map(|host| {
            let service = service(!host.disabled, host.is_up(now), host.updated_at);
            (host.host.to_string(), json!({ "nova-compute": service }))
        })
        .collect();
    let mut zones = vec![zone("internal", true, &internal)];
    if !hosts.is_empty() {
        zones.push(zone(DEFAULT_ZONE, has_enabled(&hosts), &Value::Object(computes)));
    }
    Ok(Reply::ok(json!({ "availabilityZoneInfo": zones })))
}
