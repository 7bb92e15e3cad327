//! Placement: what hosts offer, what servers have been promised, and the atomic claims between the two.
//!
//! `resource` is the arithmetic, `group` the server groups' policies, `db` the SQL and the claim that decides, `view` the
//! hosts in memory, `api` Placement's own API. Hosts themselves (heartbeat, inventory as reported, disabled or not) are rows of [`crate::db::hosts`].
//!
//! Invariants: the allocations on a host never exceed `(total - reserved) * ratio` of any class at the time of a claim;
//! a server with a host has an allocation there, one without has none.

mod api;
pub(crate) mod db;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod group;
pub(crate) mod resource;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::topics::conductor::HostInventory;
use bus::topics::scheduler::Destination;
use kit::config::ComputeConfig;
use kit::ids::{HostId, ServerId};
use kit::{Fault, SharedClock};
use store::Store;
use tokio::sync::OnceCell;

use self::db::Claim;
use self::group::Group;
use self::resource::{Amounts, Terms};
use self::view::View;
use crate::db::hosts;

/// What hosts offer and have promised.
pub(crate) struct Placement {
    store: Store,
    clock: SharedClock,
    terms: Terms,
    view: Mutex<View>,
    loaded: OnceCell<()>,
}

/// What became of the claims for the servers of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claims {
    /// These servers have their hosts; others of the request do not look for one any more.
    Claimed(Vec<Destination>),
    /// This host cannot take its server after all; nothing has been claimed.
    Refused(HostId),
}

/// A transaction that has to be taken back because a host refused.
enum Undone {
    Refused(HostId),
    Failed(Fault),
}

impl From<store::Error> for Undone {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Placement {
    /// Placement over `store`. It does no I/O.
    pub(crate) fn new(store: Store, clock: SharedClock, config: &ComputeConfig) -> Arc<Self> {
        let terms = Terms::new(config);
        Arc::new(Self { store, clock, terms, view: Mutex::default(), loaded: OnceCell::new() })
    }

    /// The hosts in memory.
    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the hosts for the first time.
    pub(crate) async fn load(&self) -> Result<(), Fault> {
        self.loaded.get_or_try_init(|| self.reload(None)).await?;
        Ok(())
    }

    /// Reads one host anew, or all.
    pub(crate) async fn reload(&self, only: Option<&HostId>) -> Result<(), Fault> {
        let only = only.cloned();
        let rows = self.store.read(move |conn| db::hosts(conn, only.as_ref())).await.map_err(Fault::from)?;
        self.view().put(rows);
        Ok(())
    }

    /// Reads anew how all hosts stand: an operator may have enabled one, a server may have gone.
    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        let standings = self.store.read(|conn| db::standings(conn, None)).await.map_err(Fault::from)?;
        if self.view().refresh(standings) { Ok(()) } else { self.reload(None).await }
    }

    /// Records that `host` is there with `inventory`.
    pub(crate) async fn register(&self, host: &HostId, inventory: HostInventory, durable: bool) -> Result<(), Fault> {
        let (name, terms, now) = (host.clone(), self.terms, self.clock.now());
        let write = move |conn: &store::Connection| {
            let ids = (uuid::Uuid::new_v4().hyphenated().to_string(), uuid::Uuid::new_v4().hyphenated().to_string());
            hosts::upsert(conn, &name, (&ids.0, &ids.1), &inventory, now)?;
            if let Some(row) = hosts::get(conn, &name)? {
                db::set_inventories(conn, &row, &terms)?;
            }
            Ok::<_, store::Error>(())
        };
        // A heartbeat comes again.
        if durable { self.store.write(write).await } else { self.store.write_relaxed(write).await }
            .map_err(Fault::from)?;
        self.reload(Some(host)).await
    }

    /// Claims a host for each server, all or none. What each takes has been taken in the view already; what is not claimed
    /// is given back there.
    pub(crate) async fn claim(
        &self,
        pairs: Vec<(ServerId, HostId)>,
        amounts: Amounts,
        group: Option<Group>,
    ) -> Result<Claims, Fault> {
        let (now, wanted) = (self.clock.now(), pairs.clone());
        let claimed = self.store.write(move |conn| claim_all(conn, pairs, &amounts, group.as_ref(), now)).await;
        let kept = claimed.as_deref().unwrap_or_default();
        let lost = wanted.iter().filter(|(server, _)| !kept.iter().any(|kept| kept.server_id == *server));
        {
            let mut view = self.view();
            for (_, host) in lost {
                if let Some(state) = view.get_mut(host) {
                    state.give_back(&amounts);
                }
            }
        }
        match claimed {
            Ok(claimed) => Ok(Claims::Claimed(claimed)),
            Err(Undone::Refused(host)) => {
                self.reload(Some(&host)).await?;
                Ok(Claims::Refused(host))
            }
            Err(Undone::Failed(fault)) => Err(fault),
        }
    }

    /// A server of this size has left `host`, or its build there has ended.
    pub(crate) async fn left(&self, host: &HostId) {
        if let Err(fault) = self.reload(Some(host)).await {
            tracing::warn!(%host, error = %fault.chain(), "a host's free resources could not be read");
        }
    }
}

fn claim_all(
    conn: &store::Connection,
    pairs: Vec<(ServerId, HostId)>,
    amounts: &Amounts,
    group: Option<&Group>,
    now: kit::Timestamp,
) -> Result<Vec<Destination>, Undone> {
    let mut claimed = Vec::with_capacity(pairs.len());
    for (server_id, host) in pairs {
        match db::claim(conn, &server_id, &host, amounts, group, now)? {
            Claim::Claimed => claimed.push(Destination { server_id, host }),
            Claim::Gone => {}
            Claim::Refused => return Err(Undone::Refused(host)),
        }
    }
    Ok(claimed)
}
