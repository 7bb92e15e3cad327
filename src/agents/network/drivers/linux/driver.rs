//! The driver's handle: a bounded queue to the one task that changes the host.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::topics::network_spec::{
    GroupMembers, HostState, NetworkSpec, PortSpec, PortWiring, RouterSpec, SecurityGroupSpec,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kit::config::NetworkConfig;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};
use kit::{Condition, Conditions};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::names::Names;
use super::netns;
use crate::drivers::driver::{Capabilities, Connection, DriverError, DriverResult, MetadataHandler, NetworkDriver};

/// Verbs that may wait.
const QUEUE: usize = 1024;
/// How long one verb may take; a sync of a large host has longer.
const VERB_DEADLINE: Duration = Duration::from_secs(60);
const SYNC_DEADLINE: Duration = Duration::from_secs(600);
/// How long a guest may take to answer a connection: one that is not there yet is not found by ARP for three seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// How often it is checked that all is still there.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What the driver needs to know.
#[derive(Debug, Clone)]
pub struct LinuxConfig {
    /// Put before every name.
    pub device_prefix: String,
    /// Where the conntrack zones are kept: it must outlive the process.
    pub state_directory: PathBuf,
    /// Where dnsmasq's files are. dnsmasq runs as a user of its own, and must be able to read there.
    pub run_directory: PathBuf,
    /// Who is asked for names that are not a network's own, where the subnet names nobody. The host's resolvers when empty.
    pub dns_servers: Vec<IpAddr>,
    /// The device at which addresses of the LAN are announced.
    pub external_interface: Option<String>,
}

impl LinuxConfig {
    /// From the configuration's section.
    #[must_use]
    pub fn new(config: &NetworkConfig, data_directory: &Path) -> Self {
        Self {
            device_prefix: config.device_prefix.clone(),
            state_directory: data_directory.join("network"),
            run_directory: Path::new("/run/cloudbox").join(&config.device_prefix),
            dns_servers: config.dns_servers.clone(),
            external_interface: Some(config.external_interface.clone()).filter(|name| !name.is_empty()),
        }
    }
}

type Job = Box<dyn for<'a> FnOnce(&'a mut Host) -> BoxFuture<'a, ()> + Send>;

/// The driver for a real Linux host.
#[derive(Debug)]
pub struct LinuxDriver {
    jobs: mpsc::Sender<Job>,
    names: Names,
    capabilities: Capabilities,
    conditions: Conditions,
    cancel: CancellationToken,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl LinuxDriver {
    /// Looks at the host, prepares it, and starts the driver's task. `metadata` answers guests.
    ///
    /// After a restart [`NetworkDriver::sync`] comes first: where ports of this cloud are there already, every other
    /// verb is refused until then, so that no port's rules are taken away while its guest runs.
    pub async fn start(config: LinuxConfig, metadata: MetadataHandler) -> DriverResult<Self> {
        let host = Host::prepare(config, metadata).await?;
        let (capabilities, conditions) = (host.capabilities(), host.conditions.clone());
        let names = host.names.clone();
        for warning in &capabilities.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!(security_groups = capabilities.security_groups, "the host's network is ready");
        let (jobs, queue) = mpsc::channel(QUEUE);
        let cancel = CancellationToken::new();
        let worker = tokio::spawn(work(host, queue, cancel.clone()));
        Ok(Self { jobs, names, capabilities, conditions, cancel, worker: Mutex::new(Some(worker)) })
    }

    fn submit<T: Send + 'static>(
        &self,
        doing: &'static str,
        deadline: Duration,
        verb: impl for<'a> FnOnce(&'a mut Host) -> BoxFuture<'a, DriverResult<T>> + Send + 'static,
    ) -> BoxFuture<'_, DriverResult<T>> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |host| {
            async move {
                let late = || DriverError::Timeout { doing: doing.to_owned(), seconds: deadline.as_secs() };
                let result = tokio::time::timeout(deadline, verb(host)).await.unwrap_or_else(|_| Err(late()));
                // Nobody waits any more when the caller's own deadline has passed.
                let _ = answer.send(result);
            }
            .boxed()
        });
        let queued = self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DriverError::Busy,
            mpsc::error::TrySendError::Closed(_) => DriverError::Stopped,
        });
        async move {
            queued?;
            answered.await.unwrap_or(Err(DriverError::Stopped))
        }
        .boxed()
    }
}

async fn work(mut host: Host, mut queue: mpsc::Receiver<Job>, cancel: CancellationToken) {
    let mut checks = tokio::time::interval(CHECK_INTERVAL);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            job = queue.recv() => match job {
                Some(job) => job(&mut host).await,
                None => break,
            },
            _ = checks.tick() => host.check().await,
        }
    }
    host.close().await;
}

impl NetworkDriver for LinuxDriver {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn ensure_network(&self, network: NetworkSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("making a network", VERB_DEADLINE, |host| host.ensure_network(network).boxed())
    }

    fn remove_network(&self, id: NetworkId) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("removing a network", VERB_DEADLINE, |host| host.remove_network(id).boxed())
    }

    fn ensure_port(&self, port: PortSpec) -> BoxFuture<'_, DriverResult<PortWiring>> {
        self.submit("wiring a port", VERB_DEADLINE, |host| host.ensure_port(port).boxed())
    }

    fn remove_port(&self, id: PortId) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("removing a port", VERB_DEADLINE, |host| host.remove_port(id).boxed())
    }

    fn ensure_router(&self, router: RouterSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("making a router", VERB_DEADLINE, |host| host.ensure_router(router).boxed())
    }

    fn remove_router(&self, id: RouterId) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("removing a router", VERB_DEADLINE, |host| host.remove_router(id).boxed())
    }

    fn ensure_security_group(&self, group: SecurityGroupSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("changing a security group", VERB_DEADLINE, |host| {
            host.change_groups(move |desired| desired.put_group(group)).boxed()
        })
    }

    fn remove_security_group(&self, id: SecurityGroupId) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("removing a security group", VERB_DEADLINE, |host| {
            host.change_groups(move |desired| desired.take_group(&id)).boxed()
        })
    }

    fn set_group_members(&self, members: GroupMembers) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("changing a security group's members", VERB_DEADLINE, |host| {
            let put = move |desired: &mut crate::drivers::desired::Desired| {
                desired.put_members(members);
                Ok(())
            };
            host.change_groups(put).boxed()
        })
    }

    fn sync(&self, state: HostState) -> BoxFuture<'_, DriverResult<()>> {
        self.submit("making the host's network as it should be", SYNC_DEADLINE, |host| host.sync(state).boxed())
    }

    fn connect(&self, network: NetworkId, to: SocketAddr) -> BoxFuture<'_, DriverResult<Box<dyn Connection>>> {
        let namespace = self.names.dhcp_namespace(&network);
        async move {
            let doing = format!("connecting to {to} in network {network}");
            // The thread ends with the attempt, which has a deadline of its own.
            let attempt = move || {
                let stream = std::net::TcpStream::connect_timeout(&to, CONNECT_WITHIN)?;
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Ok(stream)
            };
            let stream = netns::within(&namespace, attempt).await?.and_then(tokio::net::TcpStream::from_std);
            let stream = stream.map_err(|error| DriverError::io(doing, error))?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        }
        .boxed()
    }

    fn condition(&self) -> Condition {
        self.conditions.now()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        async {
            self.cancel.cancel();
            let worker = self.worker.lock().await.take();
            if let Some(worker) = worker
                && let Err(error) = worker.await
            {
                tracing::warn!(%error, "the network driver's task ended badly");
            }
        }
        .boxed()
    }
}
