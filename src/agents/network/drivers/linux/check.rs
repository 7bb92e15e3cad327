//! What is looked at every second: whatever died or was taken away is brought back.
//!
//! Found by looking, because none of it says that it is gone: dnsmasq detaches itself, and a device's or a table's end would
//! have to be told from our own doing. It costs a question to the kernel per device and a file per network.

use std::collections::BTreeSet;
use std::time::Duration;

use kit::ids::{NetworkId, PortId, RouterId};
use kit::{Clock as _, SystemClock};
use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};

use super::host::{Host, serves_dhcp};
use super::lan::{self, Repair};
use super::router;
use crate::drivers::driver::DriverResult;

/// Every how many checks the rules are looked at too.
const RULES_EVERY: u64 = 10;
/// How long bringing devices back may take.
const REPAIR_DEADLINE: Duration = Duration::from_secs(30);

impl Host {
    /// What is done every second.
    pub async fn check(&mut self) {
        if !self.synced {
            return;
        }
        self.checks = self.checks.wrapping_add(1);
        self.check_devices().await;
        self.check_dhcp().await;
        if self.checks.is_multiple_of(RULES_EVERY) {
            self.check_rules().await;
            self.check_lan().await;
        }
    }

    fn repaired(&self, what: &'static str) {
        self.conditions.repaired(what, SystemClock.now());
    }

    async fn check_devices(&mut self) {
        const REASON: &str = "a device of the network is missing";
        let missing = self.missing_devices();
        if missing.is_empty() {
            self.conditions.set(REASON, false);
            return;
        }
        tracing::warn!(devices = ?missing, "somebody has removed devices of the network");
        let repaired = tokio::time::timeout(REPAIR_DEADLINE, self.bring_back(&missing)).await;
        match repaired {
            Ok(Ok(())) => {
                tracing::info!(devices = ?missing, "the devices are back");
                self.repaired("devices of the network were made anew");
            }
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the devices cannot be made anew");
            }
            Err(_) => tracing::error!("the devices are not made anew in time"),
        }
        self.conditions.set(REASON, !self.missing_devices().is_empty());
    }

    /// What should be there and is not.
    fn missing_devices(&self) -> BTreeSet<String> {
        let mut wanted = self.wanted_devices(&self.desired);
        let Ok(socket) = socket(AddressFamily::INET, SocketType::DGRAM, None) else { return BTreeSet::new() };
        wanted.retain(|name| name_to_index(&socket, name) == Err(Errno::NODEV));
        // What never came to be is not missing: its verb has failed and will be repeated.
        for id in &self.suspect {
            for name in
                [self.names.bridge(id), self.names.service(id), self.names.gateway(id), self.names.gateway_peer(id)]
            {
                wanted.remove(&name);
            }
        }
        wanted
    }

    /// Makes networks, ports and routers whole again that have lost one of `missing`. A network that is made anew takes
    /// its ports and routers with it: a device is plugged into a bridge, not into a bridge's name.
    async fn bring_back(&mut self, missing: &BTreeSet<String>) -> DriverResult<()> {
        let state = self.desired.clone();
        let names = &self.names;
        let is_hit = |id: &NetworkId| {
            let own = [names.bridge(id), names.service(id), names.gateway(id), names.gateway_peer(id)];
            own.iter().any(|name| missing.contains(name))
        };
        let networks: BTreeSet<NetworkId> = state.networks.keys().filter(|id| is_hit(id)).cloned().collect();
        let ports: Vec<PortId> = state
            .ports
            .values()
            .filter(|port| networks.contains(&port.network_id) || missing.contains(&names.tap(&port.id)))
            .map(|port| port.id.clone())
            .collect();
        let routers: Vec<RouterId> = state
            .routers
            .values()
            .filter(|router| {
                let legs = router.interfaces.iter().map(|leg| &leg.network_id);
                let mut legs = legs.chain(router.gateway.iter().map(|leg| &leg.network_id));
                legs.any(|network| networks.contains(network))
                    || router::leg_ports(router).any(|port| missing.contains(&names.router_peer(port)))
            })
            .map(|router| router.id.clone())
            .collect();
        for id in &networks {
            self.bring_up(&state, id).await?;
        }
        for id in &ports {
            self.plug(&state, id).await?;
        }
        for router in routers.iter().filter_map(|id| state.routers.get(id)) {
            router::ensure(&self.names, &state, router, Some(router)).await?;
        }
        Ok(())
    }

    async fn check_dhcp(&mut self) {
        let mut dead = false;
        for network in self.desired.networks.values().filter(|network| serves_dhcp(network)) {
            if self.suspect.contains(&network.id) {
                continue;
            }
            match self.dnsmasq(&network.id).revive().await {
                Ok(false) => {}
                Ok(true) => {
                    tracing::warn!(network_id = %network.id, "dnsmasq had died and was started again");
                    self.repaired("dnsmasq was started again");
                }
                Err(error) => {
                    dead = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, network_id = %network.id, "dnsmasq has died and does not start");
                }
            }
        }
        self.conditions.set("dnsmasq of a network does not start", dead);
    }

    /// An interface that was down has forgotten what was announced on it.
    async fn check_lan(&mut self) {
        let checked = self.lan.repair().await;
        match &checked {
            Ok(Repair::None | Repair::Impossible(_)) => {}
            Ok(Repair::Done) => {
                tracing::warn!("addresses of the LAN were not announced any more; they are again");
                self.repaired("addresses of the LAN were announced anew");
            }
            Err(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "addresses of the LAN cannot be announced");
            }
        }
        for obstacle in lan::OBSTACLES {
            self.conditions.set(obstacle, matches!(&checked, Ok(Repair::Impossible(found)) if *found == obstacle));
        }
    }

    async fn check_rules(&mut self) {
        let checked = self.firewall.repair().await;
        self.conditions.set("the nftables tables cannot be checked", checked.is_err());
        match checked {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("somebody had removed the nftables tables; they are back");
                self.repaired("the nftables tables were put back");
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the nftables tables cannot be checked");
            }
        }
    }
}
