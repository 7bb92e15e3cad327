//! Agents that report.

use std::sync::Arc;

use bus::topics::network::RegisterNetworkAgent;
use bus::topics::network_spec::HostState;
use kit::{Fault, RequestContext};
use store::{params, query};

use crate::db;
use crate::domain::model::{GATEWAY_OWNER, INTERFACE_OWNER};
use crate::service::Network;

/// See [`RegisterNetworkAgent`]. Routers that no host carried until now become this one's.
pub(super) async fn register(
    service: Arc<Network>,
    _context: RequestContext,
    message: RegisterNetworkAgent,
) -> Result<HostState, Fault> {
    let now = service.clock.now();
    let host = message.host.clone();
    let id = uuid::Uuid::new_v4().hyphenated().to_string();
    let noted = service.store.write_relaxed(move |db| {
        db::agents::heard_of(db, &host, &id, message.starting, now)?;
        if db::routers::adopt(db, &host)? > 0 {
            let sql = "UPDATE network_ports SET binding_host = ?1
                WHERE binding_host = '' AND device_owner IN (?2, ?3)";
            query::execute(db, sql, params![host.as_str(), INTERFACE_OWNER, GATEWAY_OWNER])?;
        }
        Ok::<_, Fault>(())
    });
    noted.await?;
    if message.starting {
        tracing::info!(host = %message.host, "a network agent has started");
    }
    service.host_state(message.host).await
}
