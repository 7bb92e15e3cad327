//! A server's addresses.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::server;
use crate::Compute;
use crate::view::servers::addresses;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/servers/{server_id}/ips", "os_compute_api:ips:index", &list),
    Endpoint::get("/servers/{server_id}/ips/{network}", "os_compute_api:ips:show", &show),
];

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    Ok(Reply::ok(json!({ "addresses": addresses(&row.network_info, false) })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let network = request.param("network")?;
    let all = addresses(&row.network_info, false);
    let list = all.get(network).ok_or_else(|| Fault::not_found("Instance is not a member of specified network"))?;
    Ok(Reply::ok(json!({ network: list })))
}
