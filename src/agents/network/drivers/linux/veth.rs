//! Pairs of virtual Ethernet devices: one end on a bridge, the other a leg with addresses, here or in a namespace.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{link, netns};
use crate::drivers::driver::DriverResult;

/// A leg in a network.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The end on the bridge, in the host's namespace.
    pub port: String,
    /// The bridge.
    pub bridge: String,
    /// Where the other end is; none: in the host's namespace too.
    pub namespace: Option<String>,
    /// The other end.
    pub device: String,
    /// The other end's Ethernet address.
    pub mac: String,
    /// Both ends' MTU.
    pub mtu: u32,
    /// The other end's addresses.
    pub addresses: BTreeSet<IpNet>,
}

/// Makes a leg as it is described.
pub async fn ensure(leg: &Leg) -> DriverResult<()> {
    let doing = format!("making the leg {} on {}", leg.device, leg.bridge);
    let namespace = leg.namespace.as_deref();
    let mut inner = link::all(namespace).await?.remove(&leg.device);
    let outer = link::get(&leg.port).await?;
    if outer.is_some() && inner.is_none() {
        link::remove(&leg.port).await?;
    }
    if outer.is_none() || inner.is_none() {
        inner = None;
        let there = namespace.map(|name| format!(" netns {name}")).unwrap_or_default();
        let make = format!("link add name {} mtu {} type veth peer name {}{there}", leg.port, leg.mtu, leg.device);
        link::batch(&doing, None, vec![make]).await?;
    }
    let (port, bridge, mtu) = (&leg.port, &leg.bridge, leg.mtu);
    silence(port).await?;
    link::batch(&doing, None, vec![format!("link set dev {port} mtu {mtu} master {bridge} up")]).await?;
    let lines = link::configure(&leg.device, inner.as_ref(), &leg.mac, mtu, &leg.addresses);
    link::batch(&doing, namespace, lines).await
}

/// Keeps the host from speaking IPv6 for itself on a device that is a bridge's.
pub async fn silence(device: &str) -> DriverResult<()> {
    netns::set_parameters(None, vec![(format!("net/ipv6/conf/{device}/disable_ipv6"), "1")]).await
}
