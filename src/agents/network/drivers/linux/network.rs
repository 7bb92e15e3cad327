//! A network's devices and services: bridge, the host's leg, the DHCP namespace, dnsmasq, the metadata listener.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::topics::network_spec::{NetworkGateway, NetworkSpec, PortSpec, ServicePort};
use ipnet::IpNet;
use kit::ids::NetworkId;

use super::dhcp::config::{DEVICE, METADATA, render};
use super::dhcp::process::Dnsmasq;
use super::host::{Host, serves_dhcp};
use super::lan;
use super::link::{self, HostRoute};
use super::metadata::Listener;
use super::names::stable_mac;
use super::veth::{self, Leg};
use super::{netns, settings};
use crate::drivers::desired::Desired;
use crate::drivers::driver::{DriverError, DriverResult};

impl Host {
    /// Makes a network's devices.
    pub(super) async fn wire_network(&mut self, network: &NetworkSpec) -> DriverResult<()> {
        self.ensure_bridge(network).await?;
        match network.gateway {
            NetworkGateway::Host => {
                settings::forward(network.subnets.iter().any(|subnet| subnet.cidr.addr().is_ipv6())).await?;
                veth::ensure(&self.gateway_leg(network)).await?;
            }
            NetworkGateway::Lan => {
                settings::forward(false).await?;
                veth::ensure(&Leg { addresses: BTreeSet::new(), ..self.gateway_leg(network) }).await?;
                lan::prepare_leg(&self.names.gateway(&network.id)).await?;
            }
            NetworkGateway::Router => link::remove(&self.names.gateway(&network.id)).await?,
        }
        match &network.service_port {
            Some(port) => self.ensure_service_leg(network, port).await,
            None => {
                self.stop_serving(&network.id).await?;
                netns::remove(&self.names.dhcp_namespace(&network.id)).await
            }
        }
    }

    async fn ensure_bridge(&self, network: &NetworkSpec) -> DriverResult<()> {
        let (bridge, mtu) = (self.names.bridge(&network.id), network.mtu);
        let doing = format!("making the bridge of network {}", network.id);
        if link::get(&bridge).await?.is_none() {
            let mac = stable_mac(&bridge);
            let make = format!(
                "link add name {bridge} address {mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0 \
                 nf_call_iptables 1 nf_call_ip6tables 1"
            );
            link::batch(&doing, None, vec![make]).await?;
        }
        veth::silence(&bridge).await?;
        link::batch(&doing, None, vec![format!("link set dev {bridge} mtu {mtu} up")]).await
    }

    /// The host's own leg: the gateway's addresses, at the end of a veth like any other on the bridge.
    fn gateway_leg(&self, network: &NetworkSpec) -> Leg {
        let addresses =
            network.subnets.iter().filter_map(|subnet| IpNet::new(subnet.gateway_ip?, subnet.cidr.prefix_len()).ok());
        let device = self.names.gateway(&network.id);
        Leg {
            port: self.names.gateway_peer(&network.id),
            bridge: self.names.bridge(&network.id),
            namespace: None,
            mac: stable_mac(&format!("{device} {}", network.id)),
            device,
            mtu: network.mtu,
            addresses: addresses.collect(),
        }
    }

    async fn ensure_service_leg(&mut self, network: &NetworkSpec, port: &ServicePort) -> DriverResult<()> {
        let namespace = self.names.dhcp_namespace(&network.id);
        if netns::ensure(&namespace).await? {
            let parameters = [("net/ipv4/ip_forward", "0"), ("net/ipv6/conf/default/accept_ra", "0")];
            let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).to_vec();
            netns::set_parameters(Some(&namespace), parameters).await?;
            // A listener from before is in a namespace that nobody reaches any more.
            self.close_listener(&network.id).await;
        }
        let length = |ip: &bus::topics::network_spec::FixedIp| {
            let subnet = network.subnets.iter().find(|subnet| subnet.id == ip.subnet_id)?;
            IpNet::new(ip.ip_address, subnet.cidr.prefix_len()).ok()
        };
        let mut addresses: BTreeSet<IpNet> = port.fixed_ips.iter().filter_map(length).collect();
        if network.metadata {
            addresses.extend(METADATA.parse().map(|ip: std::net::IpAddr| IpNet::from(ip)));
        }
        let leg = Leg {
            port: self.names.service(&network.id),
            bridge: self.names.bridge(&network.id),
            namespace: Some(namespace.clone()),
            device: DEVICE.to_owned(),
            mac: port.mac.clone(),
            mtu: network.mtu,
            addresses,
        };
        veth::ensure(&leg).await?;
        link::set_routes(&namespace, &service_routes(network, port)).await
    }

    /// Makes a network's DHCP, DNS and metadata service.
    pub(super) async fn serve_network(&mut self, next: &Desired, network: &NetworkSpec) -> DriverResult<()> {
        self.serve_dhcp(next, network).await?;
        let id = &network.id;
        if !network.metadata || network.service_port.is_none() {
            self.close_listener(id).await;
            return Ok(());
        }
        if self.listeners.get(id).is_some_and(Listener::is_open) {
            return Ok(());
        }
        self.close_listener(id).await;
        let namespace = self.names.dhcp_namespace(id);
        let (directory, handler) = (Arc::clone(&self.directory), Arc::clone(&self.metadata));
        let listener = Listener::open(id.clone(), &namespace, directory, handler).await?;
        self.listeners.insert(id.clone(), listener);
        Ok(())
    }

    /// Makes a network's dnsmasq know its ports.
    pub(super) async fn serve_dhcp(&self, next: &Desired, network: &NetworkSpec) -> DriverResult<()> {
        let dnsmasq = self.dnsmasq(&network.id);
        if !serves_dhcp(network) {
            return dnsmasq.remove().await;
        }
        let ports: Vec<&PortSpec> = next.ports_on(&network.id).collect();
        dnsmasq.ensure(&render(network, &ports, dnsmasq.directory(), &self.upstreams)).await
    }

    /// Ends a network's services; fine when there are none.
    pub(super) async fn stop_serving(&mut self, id: &NetworkId) -> DriverResult<()> {
        self.close_listener(id).await;
        self.dnsmasq(id).remove().await
    }

    async fn close_listener(&mut self, id: &NetworkId) {
        if let Some(listener) = self.listeners.remove(id) {
            listener.close().await;
        }
    }

    pub(super) fn dnsmasq(&self, id: &NetworkId) -> Dnsmasq {
        Dnsmasq::new(self.run_directory.join(id.as_str()), self.names.dhcp_namespace(id))
    }

    /// The networks that a dnsmasq was ever started for.
    pub(super) async fn known_dhcp(&self) -> DriverResult<BTreeSet<NetworkId>> {
        let doing = || format!("listing {}", self.run_directory.display());
        let mut entries = match tokio::fs::read_dir(&self.run_directory).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(DriverError::io(doing(), error)),
        };
        let mut known = BTreeSet::new();
        while let Some(entry) = entries.next_entry().await.map_err(|error| DriverError::io(doing(), error))? {
            known.insert(NetworkId::new(entry.file_name().to_string_lossy()));
        }
        Ok(known)
    }
}

/// The way out for names that are not the network's own: by each kind's first gateway that the service port is on a subnet with.
fn service_routes(network: &NetworkSpec, port: &ServicePort) -> BTreeSet<HostRoute> {
    let on_it =
        |subnet: &&bus::topics::network_spec::SubnetSpec| port.fixed_ips.iter().any(|ip| ip.subnet_id == subnet.id);
    let default = |ipv6: bool| {
        let mut gateways = network.subnets.iter().filter(on_it).filter_map(|subnet| subnet.gateway_ip);
        let via = gateways.find(|ip| ip.is_ipv6() == ipv6)?;
        let everywhere = if ipv6 { IpNet::V6(ipnet::Ipv6Net::default()) } else { IpNet::V4(ipnet::Ipv4Net::default()) };
        Some(HostRoute { destination: everywhere, via: Some(via), device: Some(DEVICE.to_owned()) })
    };
    [default(false), default(true)].into_iter().flatten().collect()
}
