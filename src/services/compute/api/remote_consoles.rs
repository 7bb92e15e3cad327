//! Remote consoles (2.6 and later).

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::schemas;
use super::server_actions::{console_url, unavailable};
use crate::Compute;
use crate::domain::console::Opens;

const PATH: &str = "/servers/{server_id}/remote-consoles";
const RULE: &str = "os_compute_api:os-remote-consoles";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::post(PATH, RULE, &create).since(2, 6).until(2, 7).schema(schemas::REMOTE_CONSOLE),
    Endpoint::post(PATH, RULE, &create).since(2, 8).until(2, 98).schema(schemas::REMOTE_CONSOLE_28),
    Endpoint::post(PATH, RULE, &create).since(2, 99).schema(schemas::REMOTE_CONSOLE_299),
];

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let body = request.body_value()?;
    let text = |name: &str| body.pointer(name).and_then(Value::as_str).unwrap_or_default();
    let (protocol, kind) = (text("/remote_console/protocol"), text("/remote_console/type"));
    let opens = match (protocol, kind) {
        ("vnc", "novnc") => Opens::Screen,
        ("serial", "serial") => Opens::Serial,
        _ => return Err(unavailable(kind)),
    };
    let url = console_url(&compute, &request, opens).await?;
    Ok(Reply::ok(json!({ "remote_console": { "protocol": protocol, "type": kind, "url": url } })))
}
