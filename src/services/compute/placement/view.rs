//! All hosts in memory, so that a server finds its host without reading a thousand rows.
//!
//! The view may lag behind the database and never decides: what it offers is claimed in the database, and before it
//! says that there is no host it is read anew.

use std::collections::HashMap;
use std::sync::Arc;

use bus::topics::conductor::HostInventory;
use kit::Timestamp;
use kit::ids::HostId;

use super::db::Standing;
use super::resource::{Amounts, Class, Resource};
use crate::db::hosts::{DOWN_AFTER_SECONDS, Host};

/// A host as the scheduler sees it.
#[derive(Debug, Clone)]
pub(crate) struct HostState {
    /// How it stands.
    pub(crate) standing: Standing,
    /// What it said that it is.
    pub(crate) inventory: Arc<HostInventory>,
    /// Its processors' architecture, where it is known.
    pub(crate) arch: Option<String>,
}

impl HostState {
    fn new(host: Host, standing: Standing) -> Self {
        let arch = serde_json::from_str::<serde_json::Value>(&host.inventory.cpu_info)
            .ok()
            .and_then(|info| info.get("arch").and_then(|arch| arch.as_str()).map(str::to_owned))
            .filter(|arch| !arch.is_empty());
        Self { standing, inventory: Arc::new(host.inventory), arch }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &HostId {
        &self.standing.host
    }

    /// What it has of `class`.
    pub(crate) fn resource(&self, class: Class) -> Resource {
        self.standing.resources.get(class as usize).copied().unwrap_or_default()
    }

    /// Whether it has been heard of lately.
    pub(crate) fn is_up(&self, now: Timestamp) -> bool {
        !self.standing.forced_down && now.duration_since(self.standing.seen).as_secs() <= DOWN_AFTER_SECONDS
    }

    fn change(&mut self, amounts: &Amounts, change: impl Fn(u64, u64) -> u64) {
        for class in Class::ALL {
            if let Some(resource) = self.standing.resources.get_mut(class as usize) {
                resource.used = change(resource.used, amounts.get(class));
            }
        }
    }

    /// Takes `amounts` for one more server that is built here.
    pub(crate) fn take(&mut self, amounts: &Amounts) {
        self.change(amounts, u64::saturating_add);
        self.standing.building = self.standing.building.saturating_add(1);
    }

    /// Takes back what [`HostState::take`] took.
    pub(crate) fn give_back(&mut self, amounts: &Amounts) {
        self.change(amounts, u64::saturating_sub);
        self.standing.building = self.standing.building.saturating_sub(1);
    }
}

/// All hosts, in the order in which they registered.
#[derive(Debug, Default)]
pub(crate) struct View {
    hosts: Vec<HostState>,
    places: HashMap<HostId, usize>,
}

impl View {
    /// All of them.
    pub(crate) fn hosts(&self) -> &[HostState] {
        &self.hosts
    }

    /// One of them.
    pub(crate) fn get_mut(&mut self, host: &HostId) -> Option<&mut HostState> {
        self.places.get(host).and_then(|place| self.hosts.get_mut(*place))
    }

    /// Takes over what the database says of these hosts.
    pub(crate) fn put(&mut self, rows: Vec<(Host, Standing)>) {
        for (host, standing) in rows {
            let state = HostState::new(host, standing);
            match self.get_mut(&state.standing.host) {
                Some(known) => *known = state,
                None => {
                    self.places.insert(state.standing.host.clone(), self.hosts.len());
                    self.hosts.push(state);
                }
            }
        }
    }

    /// Takes over how the hosts stand; whether all of them are known here.
    pub(crate) fn refresh(&mut self, standings: Vec<Standing>) -> bool {
        let mut all = true;
        for standing in standings {
            match self.get_mut(&standing.host) {
                Some(known) => known.standing = standing,
                None => all = false,
            }
        }
        all
    }
}
