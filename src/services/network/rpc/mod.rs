//! What the service answers over the bus: compute's questions about servers' ports, and agents that report.
//!
//! A message that carries a user's token has it validated by identity before anything is answered, as every service of
//! OpenStack does for itself.

mod agents;
mod servers;
mod tunnel;
mod vif;

use std::sync::Arc;

use bus::topics::identity::revalidate;
use bus::topics::network::{
    AllocateForInstance, BindPort, DeallocateForInstance, FindPortByAddress, GetInstanceNetworks, OpenServerTunnel,
    RegisterNetworkAgent, TOPIC, ValidateNetworks,
};
use bus::{Bus, Message, Server, ServerHandle};
use kit::{Fault, RequestContext};

use crate::service::Network;

impl Network {
    /// Starts to answer the topic `network`.
    #[must_use = "dropping the handles stops the servers"]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        let mut server = bus.server(TOPIC);
        server = answer::<ValidateNetworks, _, _>(server, self, servers::validate);
        server = answer::<AllocateForInstance, _, _>(server, self, servers::allocate);
        server = answer::<BindPort, _, _>(server, self, servers::bind);
        server = answer::<DeallocateForInstance, _, _>(server, self, servers::deallocate);
        server = answer::<GetInstanceNetworks, _, _>(server, self, servers::networks);
        server = answer::<FindPortByAddress, _, _>(server, self, servers::find_by_address);
        server = answer::<OpenServerTunnel, _, _>(server, self, tunnel::open);
        server = answer::<RegisterNetworkAgent, _, _>(server, self, agents::register);
        vec![server.start()]
    }
}

/// Adds `handler` for `M`, behind the validation of the caller's token.
fn answer<M, F, Answer>(server: Server, service: &Arc<Network>, handler: F) -> Server
where
    M: Message,
    F: Fn(Arc<Network>, RequestContext, M) -> Answer + Copy + Send + Sync + 'static,
    Answer: Future<Output = Result<M::Reply, Fault>> + Send + 'static,
{
    let service = service.clone();
    server.on(move |context: RequestContext, message: M| {
        let service = service.clone();
        async move {
            revalidate(&service.client, &context).await?;
            handler(service, context, message).await
        }
    })
}
