//! A server's network interfaces.

use std::sync::Arc;

use bus::topics::compute_types::Vif;
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::server;
use crate::Compute;
use crate::view::set;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/servers/{server_id}/os-interface", "os_compute_api:os-attach-interfaces:list", &list),
    Endpoint::get("/servers/{server_id}/os-interface/{port_id}", "os_compute_api:os-attach-interfaces:show", &show),
];

fn render(request: &Request, vif: &Vif) -> Value {
    let address =
        |ip: &bus::topics::compute_types::VifAddress| json!({ "subnet_id": ip.subnet_id, "ip_address": ip.address });
    let mut view = json!({
        "net_id": vif.network_id,
        "port_id": vif.port_id,
        "mac_addr": vif.mac,
        // A port is active once it is wired to its host.
        "port_state": if vif.device.is_some() { "ACTIVE" } else { "DOWN" },
        "fixed_ips": vif.fixed_ips.iter().map(address).collect::<Vec<_>>(),
    });
    if request.version.at_least(2, 70) {
        set(&mut view, "tag", json!(vif.tag));
    }
    view
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let views: Vec<Value> = row.network_info.iter().map(|vif| render(&request, vif)).collect();
    Ok(Reply::ok(json!({ "interfaceAttachments": views })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let port = request.param("port_id")?;
    let missing = || Fault::not_found(format!("Instance {} does not have a port with id {port}", row.id));
    let vif = row.network_info.iter().find(|vif| vif.port_id.as_str() == port).ok_or_else(missing)?;
    Ok(Reply::ok(json!({ "interfaceAttachment": render(&request, vif) })))
}
