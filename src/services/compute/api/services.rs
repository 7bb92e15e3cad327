//! Services: compute hosts and the services beside them; enabling and disabling.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::ids::HostId;
use kit::{Fault, Timestamp};
use serde_json::{Value, json};

use super::schemas;
use crate::Compute;
use crate::db::hosts::{self, Host};
use crate::domain::boot::DEFAULT_ZONE;
use crate::view::set;

const UPDATE: &str = "os_compute_api:os-services:update";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/os-services", "os_compute_api:os-services:list", &list),
    Endpoint::put("/os-services/enable", UPDATE, &enable).until(2, 52).schema(schemas::SERVICE_HOST),
    Endpoint::put("/os-services/disable", UPDATE, &disable).until(2, 52).schema(schemas::SERVICE_HOST),
    Endpoint::put("/os-services/disable-log-reason", UPDATE, &disable).until(2, 52).schema(schemas::SERVICE_REASON),
    Endpoint::put("/os-services/force-down", UPDATE, &force_down)
        .since(2, 11)
        .until(2, 52)
        .schema(schemas::SERVICE_DOWN),
    Endpoint::put("/os-services/{service_id}", UPDATE, &update).since(2, 53).schema(schemas::SERVICE_UPDATE),
];

/// The services that run inside of this process, each with a fixed id: they are up while anyone can ask.
const OWN: &[(&str, &str)] = &[
    ("nova-conductor", "5b6f0d1e-0f37-5d0e-9d3c-1f1c3f6f0001"),
    ("nova-scheduler", "5b6f0d1e-0f37-5d0e-9d3c-1f1c3f6f0002"),
];

fn time(at: Timestamp) -> String {
    kit::time::micros_naive(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// One `nova-compute`.
fn compute_service(request: &Request, host: &Host, now: Timestamp) -> Value {
    let mut view = json!({
        "binary": "nova-compute",
        "host": host.host,
        "id": host.number + 2,
        "zone": DEFAULT_ZONE,
        "status": if host.disabled { "disabled" } else { "enabled" },
        "state": if host.is_up(now) { "up" } else { "down" },
        "updated_at": time(host.updated_at),
        "disabled_reason": host.disabled_reason,
    });
    if request.version.at_least(2, 11) {
        set(&mut view, "forced_down", json!(host.forced_down));
    }
    if request.version.at_least(2, 53) {
        set(&mut view, "id", json!(host.service_uuid));
    }
    view
}

fn own_service(request: &Request, host: &str, index: usize, (binary, uuid): (&str, &str), now: Timestamp) -> Value {
    let mut view = json!({
        "binary": binary,
        "host": host,
        "id": if request.version.at_least(2, 53) { json!(uuid) } else { json!(index + 1) },
        "zone": "internal",
        "status": "enabled",
        "state": "up",
        "updated_at": time(now),
        "disabled_reason": null,
    });
    if request.version.at_least(2, 11) {
        set(&mut view, "forced_down", json!(false));
    }
    view
}

/// The name of the host that this process runs on: as configured, or as the first agent calls it, which is here.
pub(super) fn own_host(compute: &Compute, hosts: &[Host]) -> String {
    let configured = Some(compute.config.host.clone()).filter(|host| !host.is_empty());
    let first = || hosts.first().map(|host| host.host.to_string());
    configured.or_else(first).unwrap_or_else(|| "localhost".to_owned())
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let hosts = compute.store.read(hosts::list).await.map_err(Fault::from)?;
    let now = compute.now();
    let here = own_host(&compute, &hosts);
    let own = OWN.iter().enumerate().map(|(index, row)| own_service(&request, &here, index, *row, now));
    let all = own.chain(hosts.iter().map(|host| compute_service(&request, host, now)));
    let query = request.query();
    let wanted = |view: &Value| {
        ["host", "binary"].iter().all(|name| query.get(name).is_none_or(|value| view.get(name) == Some(&json!(value))))
    };
    Ok(Reply::ok(json!({ "services": all.filter(wanted).collect::<Vec<_>>() })))
}

/// `host` and `binary` of the body: only computes can be switched.
fn named(request: &Request) -> Result<(HostId, Value), Fault> {
    let body = request.body_value()?.clone();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (host, binary) = (HostId::new(text("host")), text("binary").to_owned());
    if binary != "nova-compute" {
        return Err(Fault::not_found(format!("Host binary {binary} not found on host {host}.")));
    }
    Ok((host, body))
}

async fn set_disabled(compute: &Compute, request: &Request, disabled: bool) -> Result<Reply, Fault> {
    let (host, body) = named(request)?;
    let reason = body.get("disabled_reason").and_then(Value::as_str).map(str::to_owned).filter(|_| disabled);
    let mut view =
        json!({ "host": host, "binary": "nova-compute", "status": if disabled { "disabled" } else { "enabled" } });
    if let Some(reason) = &reason {
        set(&mut view, "disabled_reason", json!(reason));
    }
    let missing = Fault::not_found(format!("Compute host {host} could not be found."));
    let found = compute
        .store
        .write(move |db| hosts::set_disabled(db, &host, disabled, reason.as_deref()))
        .await
        .map_err(Fault::from)?;
    if found { Ok(Reply::ok(json!({ "service": view }))) } else { Err(missing) }
}

async fn enable(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    set_disabled(&compute, &request, false).await
}

async fn disable(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    set_disabled(&compute, &request, true).await
}

async fn force_down(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (host, body) = named(&request)?;
    let down = body.get("forced_down").is_some_and(crate::domain::disks::truth);
    let view = json!({ "host": host, "binary": "nova-compute", "forced_down": down });
    let missing = Fault::not_found(format!("Compute host {host} could not be found."));
    let found = compute.store.write(move |db| hosts::set_forced_down(db, &host, down)).await.map_err(Fault::from)?;
    if found { Ok(Reply::ok(json!({ "service": view }))) } else { Err(missing) }
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("service_id")?.to_owned();
    let body = request.body_value()?.clone();
    let status = body.get("status").and_then(Value::as_str).map(str::to_owned);
    let reason = body.get("disabled_reason").and_then(Value::as_str).map(str::to_owned);
    if reason.is_some() && status.as_deref() != Some("disabled") {
        return Err(Fault::bad_request("Specifying disabled_reason when status is not 'disabled' is not allowed."));
    }
    let down = body.get("forced_down").map(crate::domain::disks::truth);
    if status.is_none() && down.is_none() {
        return Err(Fault::bad_request(
            "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
        ));
    }
    let host = compute
        .store
        .write(move |db| {
            let missing = || Fault::not_found(format!("Service {id} could not be found."));
            let host = hosts::list(db)?.into_iter().find(|host| host.service_uuid == id).ok_or_else(missing)?;
            if let Some(status) = &status {
                hosts::set_disabled(db, &host.host, status == "disabled", reason.as_deref())?;
            }
            if let Some(down) = down {
                hosts::set_forced_down(db, &host.host, down)?;
            }
            hosts::get(db, &host.host)?.ok_or_else(missing)
        })
        .await?;
    Ok(Reply::ok(json!({ "service": compute_service(&request, &host, compute.now()) })))
}
