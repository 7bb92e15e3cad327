//! Topic `scheduler`: which host takes a server (steps B6 and B7 of a boot).
//!
//! `wanted` looks up what a request names, `filters` and `weighers` are tables of data, `pick` applies them to the hosts in
//! memory; [`crate::placement`] claims in the database. Who loses a race for the last room of a host chooses again.
//!
//! Invariants: a server is told to a host only after its claim is on the disk; all servers of a request get a host or none does.

pub(crate) mod filters;
pub(crate) mod pick;
#[cfg(test)]
mod tests;
pub(crate) mod wanted;
pub(crate) mod weighers;

use std::sync::Arc;

use bus::topics::compute_agent::BuildInstance;
use bus::topics::scheduler::{Destination, SelectDestinations, TOPIC};
use bus::{Bus, Client, ServerHandle, Target};
use kit::ids::HostId;
use kit::{Fault, RequestContext, SharedClock, crash};
use store::Store;

use self::wanted::Wanted;
use crate::placement::{Claims, Placement};

/// How often a choice may lose its race before the request is turned away. Each lost race brings the view up to date.
const MOST_RACES: usize = 64;

/// Chooses hosts.
pub(crate) struct Scheduler {
    store: Store,
    clock: SharedClock,
    client: Client,
    placement: Arc<Placement>,
}

impl Scheduler {
    /// A scheduler over `placement`'s hosts. It does no I/O.
    pub(crate) fn new(store: Store, bus: &Bus, clock: SharedClock, placement: Arc<Placement>) -> Arc<Self> {
        Arc::new(Self { store, clock, client: bus.client("scheduler"), placement })
    }

    /// Answers the topic.
    pub(crate) fn serve(self: &Arc<Self>, bus: &Bus) -> ServerHandle {
        let scheduler = Arc::clone(self);
        bus.server(TOPIC)
            .on(move |context, message: SelectDestinations| {
                let scheduler = Arc::clone(&scheduler);
                async move { scheduler.select(&context, message).await }
            })
            .start()
    }

    async fn select(&self, context: &RequestContext, message: SelectDestinations) -> Result<Vec<Destination>, Fault> {
        self.placement.load().await?;
        let claimed = self.claim(message).await?;
        crash::point("server.create", "claim", "after");
        for Destination { server_id, host } in &claimed {
            tracing::info!(request_id = %context.request_id, %server_id, %host, "a host has been chosen");
            let told = self.client.cast(context, Target::host(host), BuildInstance { server_id: server_id.clone() });
            if let Err(fault) = told {
                // The row says where it is to be built: conductor tells the host again.
                tracing::warn!(%server_id, %host, error = %fault.chain(), "the host will be told later");
            }
        }
        Ok(claimed)
    }

    async fn claim(&self, message: SelectDestinations) -> Result<Vec<Destination>, Fault> {
        let SelectDestinations { servers, spec } = message;
        let wanted = Wanted::new(spec, self.clock.now());
        let mut fresh = false;
        for _ in 0..MOST_RACES {
            let wanted = self.look_up(wanted.clone()).await?;
            let picked = pick::pick(&mut self.placement.view(), &wanted, servers.len());
            let hosts: Vec<HostId> = match picked {
                Ok(hosts) => hosts,
                Err(_) if !fresh => {
                    fresh = true;
                    self.placement.refresh().await?;
                    continue;
                }
                Err(none) => return Err(none.fault()),
            };
            let pairs = servers.iter().cloned().zip(hosts).collect();
            match self.placement.claim(pairs, wanted.amounts, wanted.group).await? {
                Claims::Claimed(claimed) => return Ok(claimed),
                Claims::Refused(host) => tracing::debug!(%host, "a host was full when it was claimed"),
            }
        }
        Err(Fault::no_valid_host("No valid host was found. Too many other servers are being scheduled at the moment."))
    }

    async fn look_up(&self, wanted: Wanted) -> Result<Wanted, Fault> {
        if !wanted.names_others() {
            return Ok(wanted);
        }
        self.store.read(move |conn| wanted.look_up(conn)).await
    }
}
