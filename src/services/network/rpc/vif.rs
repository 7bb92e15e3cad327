//! A port as compute wants to know it.

use std::collections::HashMap;
use std::net::IpAddr;

use bus::topics::compute_types::{Vif, VifAddress};
use kit::Fault;
use kit::ids::{NetworkId, ServerId};
use store::Connection;

use crate::db;
use crate::domain::faults;
use crate::domain::model::{FloatingIp, Network, Port, Subnet};

/// All interfaces of a server, in their order.
pub(super) fn of_server(db: &Connection, server: &ServerId) -> Result<Vec<Vif>, Fault> {
    of_ports(db, db::ports::of_server(db, server)?)
}

/// `ports` as interfaces.
pub(super) fn of_ports(db: &Connection, ports: Vec<Port>) -> Result<Vec<Vif>, Fault> {
    let mut known: HashMap<NetworkId, (Network, Vec<Subnet>)> = HashMap::new();
    let mut vifs = Vec::with_capacity(ports.len());
    for port in ports {
        if !known.contains_key(&port.network_id) {
            let network = db::networks::get(db, &port.network_id)?;
            let network = network.ok_or_else(|| faults::network_not_found(&port.network_id))?;
            known.insert(port.network_id.clone(), (network, db::subnets::of_network(db, &port.network_id)?));
        }
        let floating = db::floatingips::of_port(db, &port.id)?;
        vifs.extend(known.get(&port.network_id).map(|(network, subnets)| vif(port, network, subnets, &floating)));
    }
    Ok(vifs)
}

fn vif(port: Port, network: &Network, subnets: &[Subnet], floating: &[FloatingIp]) -> Vif {
    let leading_to = |ip: IpAddr| {
        let leads =
            move |floating: &&FloatingIp| floating.association.as_ref().is_some_and(|to| to.fixed_ip_address == ip);
        floating.iter().filter(leads).map(|floating| floating.floating_ip_address).collect()
    };
    let address = |fixed: &bus::topics::network_spec::FixedIp| {
        let subnet = subnets.iter().find(|subnet| subnet.id == fixed.subnet_id)?;
        Some(VifAddress {
            subnet_id: subnet.id.clone(),
            address: fixed.ip_address,
            cidr: subnet.cidr,
            gateway: subnet.gateway_ip,
            dns: subnet.dns_nameservers.clone(),
            routes: subnet.host_routes.iter().map(|route| (route.destination, route.nexthop)).collect(),
            dhcp: subnet.enable_dhcp,
            floating: leading_to(fixed.ip_address),
        })
    };
    Vif {
        fixed_ips: port.fixed_ips.iter().filter_map(address).collect(),
        port_id: port.id,
        network_id: port.network_id,
        label: network.name.clone(),
        mac: port.mac_address,
        mtu: network.mtu,
        preserve_on_delete: !port.made_for_server,
        device: port.device,
        tag: port.device_tag,
    }
}
