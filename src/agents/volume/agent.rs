//! The agent: obeys the volume service over the bus.

use std::sync::Arc;
use std::time::Duration;

use bus::topics::volume::RegisterVolumeAgent;
use bus::topics::volume_agent::{ConnectVolume, DisconnectVolume, EnsureVolume, RemoveVolume, TOPIC, VolumeSpec};
use bus::{Bus, Client, Message, Server, ServerHandle, Target};
use kit::ids::HostId;
use kit::{Fault, RequestContext};
use tokio_util::sync::CancellationToken;

use crate::drivers::VolumeDriver;

/// How often the agent says that it is there, and how much room it has.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The volume agent of one host.
pub struct VolumeAgent {
    driver: Arc<dyn VolumeDriver>,
    client: Client,
    host: HostId,
}

impl VolumeAgent {
    /// The agent of `host`, which acts through `driver`.
    #[must_use]
    pub fn new(bus: &Bus, driver: Arc<dyn VolumeDriver>, host: HostId) -> Arc<Self> {
        Arc::new(Self { driver, client: bus.client("volume-agent"), host })
    }

    /// Answers topic `volume-agent` on its host.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        let server = bus.server(TOPIC).on_host(&self.host);
        let server = on(server, self, |agent, EnsureVolume { volume, source }| async move {
            agent.driver.ensure(volume, source).await
        });
        let server =
            on(server, self, |agent, RemoveVolume { volume_id }| async move { agent.driver.remove(volume_id).await });
        let server = on(server, self, |agent, ConnectVolume { volume, connector, read_only }| async move {
            agent.driver.connect(volume, connector, read_only).await
        });
        let server = on(server, self, |agent, DisconnectVolume { volume_id, connector }| async move {
            agent.driver.disconnect(volume_id, connector).await
        });
        vec![server.start()]
    }

    /// Prepares the backend for the volumes that the service knows, and registers: the service then
    /// takes up what was cut off.
    ///
    /// # Errors
    /// When the volume service does not answer or the backend cannot be used.
    pub async fn start(&self) -> Result<(), Fault> {
        let known = self.register(false).await?;
        self.driver.prepare(known.into_iter().map(|volume| volume.id).collect()).await?;
        self.register(true).await?;
        Ok(())
    }

    /// Says regularly that it is there, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            if let Err(fault) = self.register(false).await {
                tracing::warn!(host = %self.host, error = %fault.chain(), "the volume service does not take the heartbeat");
            }
        }
    }

    async fn register(&self, starting: bool) -> Result<Vec<VolumeSpec>, Fault> {
        // Before the backend is prepared it may have no room to speak of.
        let room = self.driver.room().await.ok();
        let message = RegisterVolumeAgent {
            host: self.host.clone(),
            backend: self.driver.name().to_owned(),
            total_gb: room.map(|room| room.total_gb).unwrap_or_default(),
            free_gb: room.map(|room| room.free_gb).unwrap_or_default(),
            starting,
        };
        self.client.call(&RequestContext::service("volume-agent"), Target::Any, message).await
    }
}

fn on<M, F, Answer>(server: Server, agent: &Arc<VolumeAgent>, handler: F) -> Server
where
    M: Message,
    F: Fn(Arc<VolumeAgent>, M) -> Answer + Copy + Send + Sync + 'static,
    Answer: Future<Output = Result<M::Reply, Fault>> + Send + 'static,
{
    let agent = agent.clone();
    server.on(move |_: RequestContext, message: M| handler(agent.clone(), message))
}

#[cfg(test)]
mod tests;
