//! Tunnels to servers: which addresses a server has, and on which host somebody is next to them.

use std::sync::Arc;

use bus::Target;
use bus::topics::network::{OpenServerTunnel, ServerTunnel};
use bus::topics::network_agent::OpenTunnel;
use kit::{Fault, RequestContext};

use crate::db;
use crate::service::Network;

/// Has the host of the server's ports connect to one of its addresses.
pub(super) async fn open(
    service: Arc<Network>,
    context: RequestContext,
    message: OpenServerTunnel,
) -> Result<ServerTunnel, Fault> {
    let OpenServerTunnel { server_id, port } = message;
    let ports = service.read(move |db| db::ports::of_server(db, &server_id)).await?;
    let host = ports.iter().find_map(|port| port.binding_host.clone());
    let mut addresses: Vec<_> = ports
        .iter()
        .filter(|port| port.binding_host == host)
        .flat_map(|port| port.fixed_ips.iter().map(|ip| (port.network_id.clone(), ip.ip_address)))
        .collect();
    addresses.sort_by_key(|(_, ip)| ip.is_ipv6());
    let Some(host) = host.filter(|_| !addresses.is_empty()) else {
        return Err(Fault::not_found("The server has no address that could be reached."));
    };
    let path = service.client.call(&context, Target::host(&host), OpenTunnel { addresses, port }).await?;
    Ok(ServerTunnel { host, path })
}
