//! The agent: obeys the network service over the bus, and answers guests' metadata requests by asking compute.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::topics::metadata::AnswerMetadata;
use bus::topics::network::RegisterNetworkAgent;
use bus::topics::network_agent::{
    EnsureNetwork, EnsurePort, EnsureRouter, EnsureSecurityGroup, OpenTunnel, RemoveNetwork, RemovePort, RemoveRouter,
    RemoveSecurityGroup, SetGroupMembers, SyncHost, TOPIC,
};
use bus::topics::network_spec::PortWiring;
use bus::{Bus, Client, Message, Server, ServerHandle, Target};
use kit::ids::{HostId, ServerId};
use kit::{Condition, Fault, FaultKind, RequestContext};
use tokio_util::sync::CancellationToken;

use crate::drivers::{MetadataHandler, MetadataReply, MetadataRequest, NetworkDriver};
use crate::tunnel::Tunnels;

/// How often the agent says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a guest's metadata request may take inside the cloud.
const METADATA_WITHIN: Duration = Duration::from_secs(10);

/// The network agent of one host.
pub struct NetworkAgent {
    driver: Arc<dyn NetworkDriver>,
    client: Client,
    host: HostId,
    tunnels: Tunnels,
}

impl NetworkAgent {
    /// The agent of `host`, which acts through `driver`. Tunnels to guests have their ends in `sockets`, a directory of its own.
    #[must_use]
    pub fn new(bus: &Bus, driver: Arc<dyn NetworkDriver>, host: HostId, sockets: PathBuf) -> Arc<Self> {
        Arc::new(Self { driver, client: bus.client("network-agent"), host, tunnels: Tunnels::new(sockets) })
    }

    /// Answers topic `network-agent` on its host.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        let server = bus.server(TOPIC).on_host(&self.host);
        let server = on(server, self, |agent, EnsureNetwork { network }| async move {
            Ok(agent.driver.ensure_network(network).await?)
        });
        let server = on(server, self, |agent, RemoveNetwork { network_id }| async move {
            Ok(agent.driver.remove_network(network_id).await?)
        });
        let server = on(server, self, ensure_port);
        let server =
            on(
                server,
                self,
                |agent, RemovePort { port_id }| async move { Ok(agent.driver.remove_port(port_id).await?) },
            );
        let server = on(server, self, ensure_router);
        let server = on(server, self, |agent, RemoveRouter { router_id }| async move {
            Ok(agent.driver.remove_router(router_id).await?)
        });
        let server = on(server, self, |agent, EnsureSecurityGroup { security_group }| async move {
            Ok(agent.driver.ensure_security_group(security_group).await?)
        });
        let server = on(server, self, |agent, RemoveSecurityGroup { security_group_id }| async move {
            Ok(agent.driver.remove_security_group(security_group_id).await?)
        });
        let server = on(server, self, |agent, SetGroupMembers { members }| async move {
            Ok(agent.driver.set_group_members(members).await?)
        });
        let server = on(server, self, |agent, SyncHost { state }| async move { Ok(agent.driver.sync(state).await?) });
        let agent = Arc::clone(self);
        let server = server.on(move |_: RequestContext, OpenTunnel { addresses, port }| {
            let agent = Arc::clone(&agent);
            async move { agent.tunnels.open(&*agent.driver, &addresses, port).await }
        });
        vec![server.start()]
    }

    /// Registers, and makes the host equal to what the network service says.
    ///
    /// # Errors
    /// When the network service does not answer or the host cannot be made so.
    pub async fn start(&self) -> Result<(), Fault> {
        let capabilities = self.driver.capabilities();
        for warning in &capabilities.warnings {
            tracing::warn!(host = %self.host, warning, "the host's network");
        }
        let register = RegisterNetworkAgent { host: self.host.clone(), starting: true };
        let state = self.client.call(&RequestContext::service("network-agent"), Target::Any, register).await?;
        self.driver.sync(state).await?;
        tracing::info!(host = %self.host, driver = capabilities.driver, "the host's network is as it should be");
        Ok(())
    }

    /// What is wrong with the host's network as a whole.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.driver.condition()
    }

    /// Says regularly that it is there, until `stop`. The host's network stays as it is.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        self.tunnels.sweep().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let register = RegisterNetworkAgent { host: self.host.clone(), starting: false };
            if let Err(fault) = self.client.call(&RequestContext::service("network-agent"), Target::Any, register).await
            {
                tracing::warn!(host = %self.host, error = %fault.chain(), "the network service does not take the heartbeat");
            }
        }
        self.tunnels.close().await;
        self.driver.shutdown().await;
    }
}

/// Adds a handler. A driver that has not been synchronised is, and the message is tried once more.
fn on<M, F, Answer>(server: Server, agent: &Arc<NetworkAgent>, handler: F) -> Server
where
    M: Message + Clone + Sync,
    F: Fn(Arc<NetworkAgent>, M) -> Answer + Copy + Send + Sync + 'static,
    Answer: Future<Output = Result<M::Reply, Fault>> + Send,
{
    let agent = agent.clone();
    server.on(move |_: RequestContext, message: M| {
        let agent = agent.clone();
        async move {
            match handler(agent.clone(), message.clone()).await {
                Err(fault) if fault.kind() == FaultKind::Busy => {
                    agent.start().await?;
                    handler(agent, message).await
                }
                other => other,
            }
        }
    })
}

async fn ensure_port(agent: Arc<NetworkAgent>, message: EnsurePort) -> Result<PortWiring, Fault> {
    agent.driver.ensure_network(message.network).await?;
    for group in message.security_groups {
        agent.driver.ensure_security_group(group).await?;
    }
    Ok(agent.driver.ensure_port(message.port).await?)
}

async fn ensure_router(agent: Arc<NetworkAgent>, message: EnsureRouter) -> Result<(), Fault> {
    for network in message.networks {
        agent.driver.ensure_network(network).await?;
    }
    Ok(agent.driver.ensure_router(message.router).await?)
}

/// Answers guests' metadata requests by asking compute. The driver has found out whose request it is.
#[must_use]
pub fn metadata_handler(bus: &Bus) -> MetadataHandler {
    let client = bus.client("network-agent");
    Arc::new(move |request: MetadataRequest| {
        let client = client.clone();
        Box::pin(async move { answer(&client, request).await })
    })
}

async fn answer(client: &Client, request: MetadataRequest) -> MetadataReply {
    let message = AnswerMetadata {
        server_id: ServerId::new(&request.device_id),
        port_id: request.port_id,
        method: request.method,
        path: request.path,
        body: request.body,
    };
    let context = RequestContext::service("network-agent").within(METADATA_WITHIN);
    match client.call(&context, Target::Any, message).await {
        Ok(answer) => MetadataReply { status: answer.status, content_type: answer.content_type, body: answer.body },
        Err(fault) => {
            let (status, text) = match fault.kind() {
                FaultKind::NotFound => (404, "404 Not Found\n"),
                _ => (503, "503 Service Unavailable\n"),
            };
            tracing::warn!(server_id = request.device_id, error = %fault.chain(), "a guest's metadata request failed");
            MetadataReply { status, content_type: "text/plain; charset=utf-8".to_owned(), body: text.into() }
        }
    }
}

#[cfg(test)]
mod tests;
