//! `/`, `/os-availability-zone`, `/os-services`, `/extensions`: what there is.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use kit::time::{from_micros, micros_naive, to_micros};
use serde_json::json;

use crate::db::agents;
use crate::{Volumes, ZONE};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Volumes>] = &[
    Endpoint::get("/", "", &versions),
    Endpoint::get("/os-availability-zone", "volume:availability_zone_list", &zones),
    Endpoint::get("/os-services", "volume_extension:services:index", &services),
    Endpoint::get("/extensions", "", &extensions),
];

/// An agent that was not heard of for this long is down.
const DOWN_AFTER_MICROS: i64 = 60_000_000;

/// The version document once more; without a token, as on the reference, only the root of the mount shows it.
async fn versions(_: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let base = request.base_url();
    Ok(Reply::ok(http_kit::cinder_versions(base.strip_suffix("/v3").unwrap_or(&base))))
}

async fn zones(_: Arc<Volumes>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "availabilityZoneInfo": [{ "zoneName": ZONE, "zoneState": { "available": true } }] })))
}

async fn services(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let agents = service.store.read(|db| agents::list(db).map_err(Fault::from)).await?;
    let now = to_micros(service.clock.now());
    let describe = |agent: &agents::Agent| {
        let mut body = json!({
            "binary": "cinder-volume",
            "host": format!("{}@{}", agent.host, agent.backend),
            "zone": ZONE,
            "status": "enabled",
            "state": if now - agent.last_seen < DOWN_AFTER_MICROS { "up" } else { "down" },
            "updated_at": micros_naive(from_micros(agent.last_seen)),
            "disabled_reason": null,
            "replication_status": "disabled",
            "active_backend_id": null,
            "frozen": false,
        });
        if let Some(body) = body.as_object_mut().filter(|_| request.version.at_least(3, 7)) {
            body.insert("cluster".to_owned(), serde_json::Value::Null);
        }
        if let Some(body) = body.as_object_mut().filter(|_| request.version.at_least(3, 49)) {
            body.insert("backend_state".to_owned(), "up".into());
        }
        body
    };
    Ok(Reply::ok(json!({ "services": agents.iter().map(describe).collect::<Vec<_>>() })))
}

async fn extensions(_: Arc<Volumes>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "extensions": [] })))
}
