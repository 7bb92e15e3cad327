//! The host as the driver's task knows it: what it should be, and the way there.
//!
//! Order within a change: rules before devices when something comes, devices before rules when something goes, so that
//! nothing ever passes unchecked. What is known (`desired`) changes last: a verb that failed can be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bus::topics::network_spec::{HostState, NetworkGateway, NetworkSpec, PortSpec, PortWiring, RouterSpec, Segment};
use kit::Conditions;
use kit::ids::{NetworkId, PortId, RouterId};

use super::driver::LinuxConfig;
use super::firewall::Firewall;
use super::lan::Lan;
use super::metadata::{Directory, Listener};
use super::names::Names;
use super::{foreign, link, netns, router, settings, veth};
use crate::drivers::desired::Desired;
use crate::drivers::driver::{Capabilities, DriverError, DriverResult, MetadataHandler};

/// The host.
pub struct Host {
    pub(super) names: Names,
    pub(super) run_directory: PathBuf,
    pub(super) upstreams: Vec<IpAddr>,
    pub(super) metadata: MetadataHandler,
    pub(super) directory: Arc<Directory>,
    pub(super) listeners: BTreeMap<NetworkId, Listener>,
    pub(super) firewall: Firewall,
    pub(super) lan: Lan,
    pub(super) desired: Desired,
    /// Networks whose last change failed half-way.
    pub(super) suspect: BTreeSet<NetworkId>,
    /// False while there are ports on the host that nobody has told us of.
    pub(super) synced: bool,
    pub(super) checks: u64,
    pub(super) warnings: Vec<String>,
    pub(super) conditions: Conditions,
}

impl Host {
    /// Looks at the host and prepares what every network needs.
    pub async fn prepare(config: LinuxConfig, metadata: MetadataHandler) -> DriverResult<Self> {
        settings::require_tools()?;
        let made = tokio::fs::create_dir_all(&config.state_directory).await;
        made.map_err(|error| DriverError::io(format!("making {}", config.state_directory.display()), error))?;
        settings::prepare_bridging().await?;
        let mut host = Self::bare(config, metadata).await?;
        host.warnings = foreign::make_way(&host.names).await;
        if host.upstreams.is_empty() {
            host.upstreams = settings::host_resolvers().await;
        }
        if host.upstreams.is_empty() {
            let warning = "the host's resolver is on its loopback only: set network.dns_servers, or guests resolve no outside names";
            host.warnings.push(warning.to_owned());
        }
        Ok(host)
    }

    /// Looks at the host and changes nothing on it.
    pub(super) async fn bare(config: LinuxConfig, metadata: MetadataHandler) -> DriverResult<Self> {
        let names = Names::new(&config.device_prefix)?;
        let firewall = Firewall::open(names.clone(), config.state_directory.join("conntrack-zones.json")).await?;
        let lan = Lan::new(names.clone(), config.external_interface);
        let synced = !link::all(None).await?.keys().any(|device| names.owns_device(device));
        Ok(Self {
            names,
            run_directory: config.run_directory.join("dhcp"),
            upstreams: config.dns_servers,
            metadata,
            directory: Arc::default(),
            listeners: BTreeMap::new(),
            firewall,
            lan,
            desired: Desired::default(),
            suspect: BTreeSet::new(),
            synced,
            checks: 0,
            warnings: Vec::new(),
            conditions: Conditions::default(),
        })
    }

    /// What this host can do.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            driver: "linux",
            security_groups: "br_netfilter: inet connection tracking of bridged packets",
            vxlan: false,
            vlan: false,
            router_advertisements: false,
            warnings: self.warnings.clone(),
        }
    }

    fn require_sync(&self) -> DriverResult<()> {
        if self.synced { Ok(()) } else { Err(DriverError::NotSynced) }
    }

    fn commit(&mut self, next: Desired) {
        self.directory.replace(&next);
        self.desired = next;
    }

    /// [`crate::drivers::NetworkDriver::ensure_network`].
    pub async fn ensure_network(&mut self, network: NetworkSpec) -> DriverResult<()> {
        self.require_sync()?;
        let id = network.id.clone();
        if self.desired.networks.get(&id) == Some(&network)
            && !self.suspect.contains(&id)
            && link::get(&self.names.bridge(&id)).await?.is_some()
        {
            return Ok(());
        }
        let mut next = self.desired.clone();
        next.put_network(network)?;
        self.bring_up(&next, &id).await?;
        self.lan.apply(&next).await?;
        self.commit(next);
        Ok(())
    }

    pub(super) async fn bring_up(&mut self, next: &Desired, id: &NetworkId) -> DriverResult<()> {
        let Some(network) = next.networks.get(id) else { return Ok(()) };
        refuse_unsupported(network)?;
        self.suspect.insert(id.clone());
        self.firewall.apply(next).await?;
        self.wire_network(network).await?;
        self.serve_network(next, network).await?;
        self.suspect.remove(id);
        Ok(())
    }

    /// [`crate::drivers::NetworkDriver::remove_network`].
    pub async fn remove_network(&mut self, id: NetworkId) -> DriverResult<()> {
        self.require_sync()?;
        let mut next = self.desired.clone();
        next.take_network(&id)?;
        self.lan.apply(&next).await?;
        self.stop_serving(&id).await?;
        for device in [self.names.service(&id), self.names.gateway(&id), self.names.bridge(&id)] {
            link::remove(&device).await?;
        }
        netns::remove(&self.names.dhcp_namespace(&id)).await?;
        self.firewall.apply(&next).await?;
        self.suspect.remove(&id);
        self.commit(next);
        Ok(())
    }

    /// [`crate::drivers::NetworkDriver::ensure_port`].
    pub async fn ensure_port(&mut self, port: PortSpec) -> DriverResult<PortWiring> {
        self.require_sync()?;
        let mut next = self.desired.clone();
        let id = port.id.clone();
        next.put_port(port)?;
        self.firewall.apply(&next).await?;
        let wiring = self.plug(&next, &id).await?;
        self.lan.apply(&next).await?;
        self.commit(next);
        Ok(wiring)
    }

    /// Serves a port by DHCP, then gives it its tap.
    pub(super) async fn plug(&self, next: &Desired, id: &PortId) -> DriverResult<PortWiring> {
        let found = next.ports.get(id).and_then(|port| Some((port, next.networks.get(&port.network_id)?)));
        let Some((port, network)) = found else { return Err(DriverError::invalid(format!("port {id}"), "unknown")) };
        let device = self.names.tap(id);
        if let Some(other) = next.ports.keys().find(|other| *other != id && self.names.tap(other) == device) {
            return Err(DriverError::invalid(
                format!("port {id}"),
                format!("its device has the name of port {other}'s"),
            ));
        }
        self.serve_dhcp(next, network).await?;
        let doing = format!("wiring port {id}");
        if link::get(&device).await?.is_none() {
            link::batch(&doing, None, vec![format!("tuntap add dev {device} mode tap vnet_hdr")]).await?;
        }
        veth::silence(&device).await?;
        let (bridge, mtu) = (self.names.bridge(&network.id), network.mtu);
        let state = if port.admin_state_up { "up" } else { "down" };
        let lines =
            vec![format!("link set dev {device} mtu {mtu} master {bridge}"), format!("link set dev {device} {state}")];
        link::batch(&doing, None, lines).await?;
        Ok(PortWiring { device, bridge, mtu })
    }

    /// [`crate::drivers::NetworkDriver::remove_port`].
    pub async fn remove_port(&mut self, id: PortId) -> DriverResult<()> {
        self.require_sync()?;
        link::remove(&self.names.tap(&id)).await?;
        let mut next = self.desired.clone();
        let Some(port) = next.ports.remove(&id) else { return Ok(()) };
        self.lan.apply(&next).await?;
        self.firewall.apply(&next).await?;
        if let Some(network) = next.networks.get(&port.network_id) {
            self.serve_dhcp(&next, network).await?;
        }
        self.commit(next);
        Ok(())
    }

    /// [`crate::drivers::NetworkDriver::ensure_router`].
    pub async fn ensure_router(&mut self, router: RouterSpec) -> DriverResult<()> {
        self.require_sync()?;
        let mut next = self.desired.clone();
        next.put_router(router.clone())?;
        self.firewall.apply(&next).await?;
        router::ensure(&self.names, &next, &router, self.desired.routers.get(&router.id)).await?;
        self.lan.apply(&next).await?;
        self.commit(next);
        Ok(())
    }

    /// [`crate::drivers::NetworkDriver::remove_router`].
    pub async fn remove_router(&mut self, id: RouterId) -> DriverResult<()> {
        self.require_sync()?;
        router::remove(&self.names, &id, self.desired.routers.get(&id)).await?;
        let mut next = self.desired.clone();
        next.routers.remove(&id);
        self.lan.apply(&next).await?;
        self.firewall.apply(&next).await?;
        self.commit(next);
        Ok(())
    }

    /// A change that is of rules alone.
    pub async fn change_groups(&mut self, change: impl FnOnce(&mut Desired) -> DriverResult<()>) -> DriverResult<()> {
        self.require_sync()?;
        let mut next = self.desired.clone();
        change(&mut next)?;
        self.firewall.apply(&next).await?;
        self.commit(next);
        Ok(())
    }

    /// [`crate::drivers::NetworkDriver::sync`].
    pub async fn sync(&mut self, state: HostState) -> DriverResult<()> {
        let (wanted, mut failures) = Desired::from_state(state);
        self.remove_strays(&wanted).await?;
        self.firewall.forget();
        self.firewall.apply(&wanted).await?;
        let mut note = |result: DriverResult<()>| failures.extend(result.err());
        for id in wanted.networks.keys() {
            note(self.bring_up(&wanted, id).await);
        }
        for id in wanted.ports.keys() {
            note(self.plug(&wanted, id).await.map(drop));
        }
        for (id, router) in &wanted.routers {
            note(router::ensure(&self.names, &wanted, router, self.desired.routers.get(id)).await);
        }
        self.lan.forget();
        note(self.lan.apply(&wanted).await);
        self.warnings = foreign::make_way(&self.names).await;
        self.synced = true;
        self.commit(wanted);
        if failures.is_empty() { Ok(()) } else { Err(DriverError::Partial(failures)) }
    }

    /// Takes away what is ours by its name and not wanted.
    pub(super) async fn remove_strays(&mut self, wanted: &Desired) -> DriverResult<()> {
        for id in self.known_dhcp().await? {
            if wanted.networks.get(&id).is_none_or(|network| network.service_port.is_none()) {
                self.stop_serving(&id).await?;
            }
        }
        let spaces = wanted.networks.values().filter(|network| network.service_port.is_some());
        let spaces = spaces.map(|network| self.names.dhcp_namespace(&network.id));
        let routers = wanted.routers.keys().map(|id| self.names.router_namespace(id));
        let spaces: BTreeSet<String> = spaces.chain(routers).collect();
        for name in netns::list().await? {
            if self.names.owns_namespace(&name) && !spaces.contains(&name) {
                netns::remove(&name).await?;
            }
        }
        let devices = self.wanted_devices(wanted);
        for name in link::all(None).await?.into_keys() {
            if self.names.owns_device(&name) && !devices.contains(&name) {
                link::remove(&name).await?;
            }
        }
        Ok(())
    }

    pub(super) fn wanted_devices(&self, wanted: &Desired) -> BTreeSet<String> {
        let names = &self.names;
        let mut devices: BTreeSet<String> = wanted.ports.keys().map(|id| names.tap(id)).collect();
        for (id, network) in &wanted.networks {
            devices.insert(names.bridge(id));
            if network.service_port.is_some() {
                devices.insert(names.service(id));
            }
            if network.gateway != NetworkGateway::Router {
                devices.extend([names.gateway(id), names.gateway_peer(id)]);
            }
        }
        for router in wanted.routers.values() {
            devices.extend(router::leg_ports(router).map(|port| names.router_peer(port)));
        }
        devices
    }

    /// Ends what is in the process. The network itself stays.
    pub async fn close(&mut self) {
        for listener in std::mem::take(&mut self.listeners).into_values() {
            listener.close().await;
        }
    }
}

fn refuse_unsupported(network: &NetworkSpec) -> DriverResult<()> {
    if network.segment == Segment::Local {
        return Ok(());
    }
    let what = format!("network {}'s segment {:?}", network.id, network.segment);
    Err(DriverError::Unsupported { what, why: "only networks within one host are".to_owned() })
}

pub(super) fn serves_dhcp(network: &NetworkSpec) -> bool {
    network.service_port.is_some() && network.subnets.iter().any(|subnet| subnet.enable_dhcp)
}
