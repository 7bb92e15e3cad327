//! Routers: a namespace each, with legs, routes, SNAT and floating IPs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use bus::topics::network_spec::{FloatingIpSpec, RouterSpec};
use ipnet::IpNet;
use kit::ids::{NetworkId, PortId, RouterId};

use super::command::Tool;
use super::link::{self, HostRoute};
use super::names::Names;
use super::netns;
use super::veth::{self, Leg};
use crate::drivers::desired::Desired;
use crate::drivers::driver::DriverResult;

/// Makes a router as it is described. `before` is what it was, as far as that is known.
pub async fn ensure(
    names: &Names,
    desired: &Desired,
    router: &RouterSpec,
    before: Option<&RouterSpec>,
) -> DriverResult<()> {
    let namespace = names.router_namespace(&router.id);
    if netns::ensure(&namespace).await? {
        // Neighbours hear of an address that comes up here, wherever it was before.
        let parameters = [("net/ipv4/conf/default/arp_notify", "1"), ("net/ipv6/conf/default/ndisc_notify", "1")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).to_vec();
        netns::set_parameters(Some(&namespace), parameters).await?;
    }
    let rules = nat(names, router);
    Tool::new(format!("setting the NAT rules of router {}", router.id), "nft", ["-f", "-"])
        .stdin(rules)
        .namespace(Some(&namespace))
        .run()
        .await?;
    let legs = legs(names, desired, router);
    remove_strays(&namespace, &legs).await?;
    for leg in &legs {
        veth::ensure(leg).await?;
    }
    link::set_routes(&namespace, &routes(names, router)).await?;
    let forwards = if router.admin_state_up { "1" } else { "0" };
    let switches = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];
    netns::set_parameters(Some(&namespace), switches.map(|name| (name.to_owned(), forwards)).to_vec()).await?;
    let lost = before.map(|before| lost_floating_ips(before, router)).unwrap_or_default();
    cut_connections(&namespace, lost).await;
    Ok(())
}

/// Takes a router away; fine when there is none. `known` is what it was, as far as that is known.
pub async fn remove(names: &Names, id: &RouterId, known: Option<&RouterSpec>) -> DriverResult<()> {
    for port in known.into_iter().flat_map(leg_ports) {
        link::remove(&names.router_peer(port)).await?;
    }
    // Legs that are not known go with the namespace, a little later.
    netns::remove(&names.router_namespace(id)).await
}

/// The ports of all of a router's legs.
pub fn leg_ports(router: &RouterSpec) -> impl Iterator<Item = &PortId> {
    router.interfaces.iter().map(|leg| &leg.port_id).chain(router.gateway.iter().map(|leg| &leg.port_id))
}

async fn remove_strays(namespace: &str, legs: &[Leg]) -> DriverResult<()> {
    let there = link::all(Some(namespace)).await?;
    let strays = there.keys().filter(|name| *name != "lo" && !legs.iter().any(|leg| leg.device == **name));
    let lines = strays.map(|name| format!("link del dev {name}")).collect();
    link::batch("removing a router's old legs", Some(namespace), lines).await
}

fn legs(names: &Names, desired: &Desired, router: &RouterSpec) -> Vec<Leg> {
    let leg = |port: &PortId, network: &NetworkId, mac: &str, addresses: BTreeSet<IpNet>| Leg {
        port: names.router_peer(port),
        bridge: names.bridge(network),
        namespace: Some(names.router_namespace(&router.id)),
        device: names.router_leg(port),
        mac: mac.to_owned(),
        mtu: desired.networks.get(network).map_or(1500, |network| network.mtu),
        addresses,
    };
    let mut legs: Vec<Leg> = router
        .interfaces
        .iter()
        .map(|interface| {
            let addresses = interface.addresses.iter().map(|address| address.address).collect();
            leg(&interface.port_id, &interface.network_id, &interface.mac, addresses)
        })
        .collect();
    if let Some(gateway) = &router.gateway {
        let own = gateway.addresses.iter().map(|address| address.address);
        let floating = router.floating_ips.iter().map(|floating| IpNet::from(floating.floating_ip_address));
        legs.push(leg(&gateway.port_id, &gateway.network_id, &gateway.mac, own.chain(floating).collect()));
    }
    legs
}

fn routes(names: &Names, router: &RouterSpec) -> BTreeSet<HostRoute> {
    let extra = router.routes.iter().map(|route| HostRoute {
        destination: route.destination,
        via: Some(route.nexthop),
        device: None,
    });
    let default = router.gateway.iter().flat_map(|gateway| {
        gateway.nexthops.iter().map(|nexthop| HostRoute {
            destination: match nexthop {
                IpAddr::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
                IpAddr::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
            },
            via: Some(*nexthop),
            device: Some(names.router_leg(&gateway.port_id)),
        })
    });
    extra.chain(default).collect()
}

/// The router's only table, as a transaction that replaces it. IPv4 alone: IPv6 is routed as it is.
fn nat(names: &Names, router: &RouterSpec) -> String {
    let table = names.prefix();
    let mut text = format!("add table inet {table}\ndelete table inet {table}\n");
    let Some(gateway) = &router.gateway else { return text };
    let device = names.router_leg(&gateway.port_id);
    let floating: BTreeMap<IpAddr, IpAddr> = router
        .floating_ips
        .iter()
        .filter(|floating| floating.floating_ip_address.is_ipv4())
        .map(|floating| (floating.floating_ip_address, floating.fixed_ip_address))
        .collect();
    let elements = |pairs: Vec<String>| match pairs.is_empty() {
        true => String::new(),
        false => format!(" elements = {{ {} }}", pairs.join(", ")),
    };
    let to_fixed = elements(floating.iter().map(|(public, fixed)| format!("{public} : {fixed}")).collect());
    // A fixed address that has two floating ones goes out by the first.
    let by_fixed: BTreeMap<IpAddr, IpAddr> = floating.iter().rev().map(|(public, fixed)| (*fixed, *public)).collect();
    let to_public = elements(by_fixed.iter().map(|(fixed, public)| format!("{fixed} : {public}")).collect());
    let _ = write!(
        text,
        "table inet {table} {{\n\
         map fixed {{ type ipv4_addr : ipv4_addr;{to_fixed}\n}}\n\
         map public {{ type ipv4_addr : ipv4_addr;{to_public}\n}}\n\
         chain to_guests {{\ntype nat hook prerouting priority -100; policy accept;\n\
         dnat ip to ip daddr map @fixed\n}}\n\
         chain from_guests {{\ntype nat hook postrouting priority 100; policy accept;\n\
         iifname != \"{device}\" ct status dnat masquerade\n\
         oifname != \"{device}\" accept\niifname \"{device}\" accept\n\
         snat ip to ip saddr map @public\n"
    );
    let own = gateway.addresses.iter().map(|address| address.address.addr()).find(IpAddr::is_ipv4);
    if let Some(own) = own.filter(|_| gateway.enable_snat) {
        let _ = writeln!(text, "meta nfproto ipv4 snat ip to {own}");
    }
    text + "}\n}\n"
}

fn lost_floating_ips(before: &RouterSpec, now: &RouterSpec) -> Vec<IpAddr> {
    let kept: BTreeSet<&FloatingIpSpec> = now.floating_ips.iter().collect();
    let lost = before.floating_ips.iter().filter(|floating| !kept.contains(floating));
    lost.map(|floating| floating.floating_ip_address).collect()
}

/// Connections through an address that leads elsewhere now must not live on: NAT is decided once per connection.
async fn cut_connections(namespace: &str, addresses: Vec<IpAddr>) {
    for address in addresses {
        for side in ["--orig-dst", "--reply-dst"] {
            let arguments = ["-D".to_owned(), side.to_owned(), address.to_string()];
            let tool = Tool::new("cutting a floating IP's connections", "conntrack", arguments);
            // It fails when there are none.
            if let Err(error) = tool.namespace(Some(namespace)).output().await {
                tracing::warn!(error = &error as &dyn std::error::Error, %address, "connections of a floating IP may live on");
            }
        }
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
