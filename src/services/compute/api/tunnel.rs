//! Tunnels to a server's TCP ports: cloudbox's own, at a path that Nova does not have.
//!
//! `POST /servers/{server_id}/cloudbox-tunnel` with `{"tunnel": {"port": 22}}` answers `{"tunnel": {"port", "url"}}`: a WebSocket that
//! is good for ten minutes and as many connections as one likes. Each is a TCP connection that is made inside of the server's network,
//! so that neither a route nor a floating IP is needed; the server's security groups hold for it. Bytes go both ways as binary
//! messages; an empty one says that no more will come from that side. 409 for a server that does not run.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::schemas;
use super::server_actions::console_url;
use crate::Compute;
use crate::domain::console::Opens;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] =
    &[Endpoint::post("/servers/{server_id}/cloudbox-tunnel", "cloudbox:servers:tunnel", &create)
        .schema(schemas::TUNNEL)];

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let port = request.body_value()?.pointer("/tunnel/port").and_then(Value::as_u64);
    let port = port.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| Fault::bad_request("No such port."))?;
    let url = console_url(&compute, &request, Opens::Port(port)).await?;
    Ok(Reply::ok(json!({ "tunnel": { "port": port, "url": url } })))
}
