//! The service itself: its state, and the one way in which its state changes.

use std::sync::Arc;
use std::time::Duration;

use bus::topics::network_agent::SyncHost;
use bus::topics::network_spec::HostState;
use bus::{Bus, Client, Target};
use kit::config::NetworkConfig;
use kit::ids::HostId;
use kit::{Fault, RequestContext, SharedClock};
use store::{Connection, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::change::{Change, Settings};
use crate::db;
use crate::domain::affected::Affected;
use crate::realize::{self, specs, specs::Defaults};

/// How often the reconciler looks for hosts that have missed something, beside being woken.
const RECONCILE_EVERY: Duration = Duration::from_secs(10);
/// How often every host is sent everything, whether it missed something or not: what it was told it may have failed to do.
const RESYNC_EVERY: Duration = Duration::from_secs(300);
/// How long a host has to become equal to what it is sent.
const SYNC_TIME: Duration = Duration::from_secs(120);

/// The network service.
pub struct Network {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) clock: SharedClock,
    pub(crate) config: NetworkConfig,
    settings: Settings,
    defaults: Defaults,
    /// Wakes the reconciler.
    stale: Notify,
}

impl Network {
    /// The service over its tables in `store`. It does nothing until it is served or run.
    #[must_use]
    pub fn new(store: Store, bus: &Bus, clock: SharedClock, config: NetworkConfig) -> Arc<Self> {
        Arc::new(Self {
            store,
            client: bus.client("network"),
            clock,
            settings: Settings { mtu: config.mtu },
            defaults: Defaults { dns_servers: config.dns_servers.clone() },
            config,
            stale: Notify::new(),
        })
    }

    /// Runs `job` in a write transaction and, once that is committed, tells the hosts concerned.
    ///
    /// # Errors
    /// The job's, and the store's. That a host could not be told is no error: it will be.
    pub async fn change<T: Send + 'static>(
        &self,
        context: &RequestContext,
        job: impl FnOnce(&mut Change<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, affected) = self.store.write(self.transaction(context, job)).await?;
        self.tell(context, affected).await;
        Ok(answer)
    }

    /// The same without waiting for the disk: for what is found out again when it is lost, such as where a port is wired.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub async fn change_relaxed<T: Send + 'static>(
        &self,
        context: &RequestContext,
        job: impl FnOnce(&mut Change<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, affected) = self.store.write_relaxed(self.transaction(context, job)).await?;
        self.tell(context, affected).await;
        Ok(answer)
    }

    /// `job` as the writer runs it: with its answer comes what it affected.
    fn transaction<T, J>(
        &self,
        context: &RequestContext,
        job: J,
    ) -> impl FnOnce(&Connection) -> Result<(T, Affected), Fault> + use<T, J>
    where
        J: FnOnce(&mut Change<'_>) -> Result<T, Fault>,
    {
        let (now, settings, is_admin) = (self.clock.now(), self.settings.clone(), context.is_admin());
        move |db| {
            let mut change = Change { db, now, settings: &settings, is_admin, affected: Affected::default() };
            let answer = job(&mut change)?;
            Ok((answer, change.affected))
        }
    }

    /// Reads from the database.
    ///
    /// # Errors
    /// The job's, and the store's.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.store.read(job).await
    }

    async fn tell(&self, context: &RequestContext, affected: Affected) {
        if affected.is_empty() {
            return;
        }
        let defaults = self.defaults.clone();
        let orders = match self.store.read(move |db| realize::orders(db, &defaults, &affected)).await {
            Ok(orders) => orders,
            Err(fault) => {
                tracing::warn!(error = %fault.chain(), "hosts could not be told of a change; all will be sent everything");
                return self.note_stale(None).await;
            }
        };
        let mut missed: Vec<HostId> = Vec::new();
        for (host, order) in orders {
            if let Err(fault) = order.cast(&self.client, context, &host) {
                tracing::debug!(%host, error = %fault.chain(), "a host could not be told of a change");
                missed.push(host);
            }
        }
        missed.sort_unstable();
        missed.dedup();
        for host in missed {
            self.note_stale(Some(host)).await;
        }
    }

    /// Notes that `host`, or every host, has to be sent everything.
    pub(crate) async fn note_stale(&self, host: Option<HostId>) {
        let noted = self.store.write_relaxed(move |db| match &host {
            Some(host) => db::agents::mark_stale(db, host),
            None => db::agents::mark_all_stale(db),
        });
        if let Err(fault) = noted.await {
            tracing::warn!(error = %fault.chain(), "that a host missed a change could not be noted");
        }
        self.stale.notify_one();
    }

    /// All that `host` is to carry.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn host_state(&self, host: HostId) -> Result<HostState, Fault> {
        let defaults = self.defaults.clone();
        self.store.read(move |db| specs::host_state(db, &defaults, &host)).await
    }

    pub(crate) fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    /// Brings hosts that have missed something up to date, until `stop`. After a start, that may be all of them.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        self.note_stale(None).await;
        let mut resync = tokio::time::interval(RESYNC_EVERY);
        resync.reset();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.stale.notified() => {}
                () = tokio::time::sleep(RECONCILE_EVERY) => {}
                _ = resync.tick() => self.note_stale(None).await,
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.reconcile() => {}
            }
        }
    }

    /// Sends every stale host all that it is to carry; those that cannot be reached stay stale.
    pub(crate) async fn reconcile(&self) {
        let hosts = match self.store.read(db::agents::stale).await {
            Ok(hosts) => hosts,
            Err(fault) => return tracing::warn!(error = %fault.chain(), "stale hosts could not be looked up"),
        };
        for host in hosts {
            if let Err(fault) = self.sync(&host).await {
                tracing::debug!(%host, error = %fault.chain(), "a host could not be brought up to date; it will be tried again");
                let host = host.clone();
                let noted = self.store.write_relaxed(move |db| db::agents::mark_stale(db, &host)).await;
                if let Err(fault) = noted {
                    tracing::warn!(error = %fault.chain(), "that a host is stale could not be noted");
                }
            }
        }
    }

    async fn sync(&self, host: &HostId) -> Result<(), Fault> {
        // Unmarked first: a change that is missed from here on marks it again.
        let unmarked = host.clone();
        self.store.write_relaxed(move |db| db::agents::mark_synced(db, &unmarked)).await?;
        let state = self.host_state(host.clone()).await?;
        let context = RequestContext::service("network").within(SYNC_TIME);
        self.client.call(&context, Target::host(host), SyncHost { state }).await
    }
}
