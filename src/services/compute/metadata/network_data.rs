//! `network_data.json`: a guest's links, networks and name servers, from its interfaces.
//!
//! As in Nova, the first IPv4 and the first IPv6 address of an interface count.

use std::net::IpAddr;

use bus::topics::compute_types::{Vif, VifAddress};
use ipnet::IpNet;
use serde_json::{Value, json};

/// The document. Nothing is in it for a guest without interfaces.
pub(crate) fn of(vifs: &[Vif]) -> Value {
    if vifs.is_empty() {
        return json!({});
    }
    let (mut links, mut networks, mut services) = (Vec::new(), Vec::new(), Vec::<Value>::new());
    for vif in vifs.iter().filter(|vif| !vif.fixed_ips.is_empty()) {
        let device =
            vif.device.clone().unwrap_or_else(|| format!("tap{}", vif.port_id.as_str().get(..11).unwrap_or_default()));
        links.push(json!({
            "id": device,
            "vif_id": vif.port_id,
            "type": "bridge",
            "mtu": vif.mtu,
            "ethernet_mac_address": vif.mac,
        }));
        let first = |v4: bool| vif.fixed_ips.iter().find(|ip| ip.address.is_ipv4() == v4);
        for address in [first(true), first(false)].into_iter().flatten() {
            networks.push(network(vif, address, networks.len(), &device));
            for service in name_servers(address) {
                if !services.contains(&service) {
                    services.push(service);
                }
            }
        }
    }
    json!({ "links": links, "networks": networks, "services": services })
}

fn network(vif: &Vif, address: &VifAddress, number: usize, link: &str) -> Value {
    let id = format!("network{number}");
    let version = if address.address.is_ipv4() { 4 } else { 6 };
    if address.dhcp && version == 4 {
        return json!({ "id": id, "type": "ipv4_dhcp", "link": link, "network_id": vif.network_id });
    }
    // How an IPv6 guest gets its address, its router says: whichever way that is, it has to listen to it.
    let kind = if address.dhcp { "ipv6_slaac".to_owned() } else { format!("ipv{version}") };
    let default = match address.gateway {
        Some(gateway @ IpAddr::V4(_)) => {
            Some(json!({ "network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": gateway }))
        }
        Some(gateway @ IpAddr::V6(_)) => Some(json!({ "network": "::", "netmask": "::", "gateway": gateway })),
        None => None,
    };
    let more = address.routes.iter().map(|(net, via)| route(net, via));
    json!({
        "id": id,
        "type": kind,
        "link": link,
        "ip_address": address.address,
        "netmask": address.cidr.netmask(),
        "routes": default.into_iter().chain(more).collect::<Vec<_>>(),
        "network_id": vif.network_id,
        "services": name_servers(address).collect::<Vec<_>>(),
    })
}

fn route(net: &IpNet, via: &IpAddr) -> Value {
    json!({ "network": net.network(), "netmask": net.netmask(), "gateway": via })
}

fn name_servers(address: &VifAddress) -> impl Iterator<Item = Value> {
    address.dns.iter().map(|server| json!({ "type": "dns", "address": server }))
}
