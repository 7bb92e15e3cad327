//! Compute's questions about servers' ports.

use std::sync::Arc;

use bus::Target;
use bus::topics::compute_types::Vif;
use bus::topics::network::{
    AllocateForInstance, BindPort, DeallocateForInstance, FindPortByAddress, GetInstanceNetworks, PortOwner,
    ValidateNetworks, ValidatedNetworks,
};
use bus::topics::network_agent::RemovePort;
use kit::{Fault, RequestContext};
use store::{params, query};

use super::vif;
use crate::change::server_ports;
use crate::db;
use crate::domain::faults;
use crate::domain::model::Port;
use crate::realize;
use crate::service::Network;

pub(super) async fn validate(
    service: Arc<Network>,
    context: RequestContext,
    message: ValidateNetworks,
) -> Result<ValidatedNetworks, Fault> {
    service.change(&context, move |change| server_ports::validate(change, message)).await
}

pub(super) async fn allocate(
    service: Arc<Network>,
    context: RequestContext,
    message: AllocateForInstance,
) -> Result<Vec<Vif>, Fault> {
    let allocated = service.change(&context, move |change| {
        let ports = server_ports::allocate(change, &message)?;
        vif::of_ports(change.db, ports)
    });
    allocated.await
}

/// Binds the port, has the host's agent wire it, and notes that it did. Done again it does the same again.
pub(super) async fn bind(service: Arc<Network>, context: RequestContext, message: BindPort) -> Result<Vif, Fault> {
    let (asked, defaults) = (message.clone(), service.defaults());
    let order = service.change_relaxed(&context, move |change| {
        server_ports::bind(change, &asked)?;
        let port = db::ports::get(change.db, &asked.port_id)?.ok_or_else(|| faults::port_not_found(&asked.port_id))?;
        let order = realize::ensure_port(change.db, &defaults, port, &asked.host)?;
        order.ok_or_else(|| faults::port_not_found(&asked.port_id))
    });
    let order = order.await?;
    let wiring = service.client.call(&context, Target::host(&message.host), order).await?;
    let (host, port_id) = (message.host.clone(), message.port_id.clone());
    let noted = service.change_relaxed(&context, move |change| {
        let port = server_ports::wired(change, &message, &wiring)?;
        vif::of_ports(change.db, vec![port])
    });
    match noted.await {
        Ok(mut vifs) => vifs.pop().ok_or_else(|| Fault::internal("binding a port", "it has no interface")),
        Err(fault) => {
            // It went away, or elsewhere, while it was being wired: the host must not keep it.
            if let Err(lost) = service.client.cast(&context, Target::host(&host), RemovePort { port_id }) {
                tracing::debug!(%host, error = %lost.chain(), "a host could not be told to take a port away");
                service.note_stale(Some(host)).await;
            }
            Err(fault)
        }
    }
}

pub(super) async fn deallocate(
    service: Arc<Network>,
    context: RequestContext,
    message: DeallocateForInstance,
) -> Result<(), Fault> {
    service.change(&context, move |change| server_ports::deallocate(change, &message.server_id)).await
}

pub(super) async fn networks(
    service: Arc<Network>,
    _context: RequestContext,
    message: GetInstanceNetworks,
) -> Result<Vec<Vif>, Fault> {
    service.read(move |db| vif::of_server(db, &message.server_id)).await
}

pub(super) async fn find_by_address(
    service: Arc<Network>,
    _context: RequestContext,
    message: FindPortByAddress,
) -> Result<Option<PortOwner>, Fault> {
    let found = service.read(move |db| {
        let sql = "SELECT a.port_id FROM network_addresses a JOIN network_ports p ON p.id = a.port_id
            WHERE a.ip_address = ?1 AND p.network_id = ?2";
        let ip = message.address.to_string();
        let id = query::opt(db, sql, params![ip, message.network_id.as_str()], |row| row.get::<_, String>(0))?;
        id.map_or(Ok(None), |id| db::ports::get(db, &id.into()))
    });
    Ok(found.await?.and_then(|port: Port| {
        Some(PortOwner { port_id: port.id, server_id: port.server_id?, project_id: port.project_id })
    }))
}
