//! What hosts are told: specs made of what the database says now.

use std::net::IpAddr;

use bus::topics::network_spec::{
    AddressPair, DhcpOption, Direction, Ethertype, FloatingIpSpec, GroupMembers, HostState, InterfaceAddress, Ipv6Mode,
    NetworkGateway, NetworkSpec, PortSpec, RouterGateway, RouterInterface, RouterSpec, SecurityGroupRuleSpec,
    SecurityGroupSpec, Segment, ServicePort, SubnetSpec,
};
use ipnet::IpNet;
use kit::Fault;
use kit::ids::{HostId, NetworkId, RouterId, SecurityGroupId};
use store::{Connection, params, query};

use crate::change::security_groups::normalized;
use crate::db;
use crate::domain::model::{
    EXTERNAL_PHYSICAL_NETWORK, FloatingIp, GATEWAY_OWNER, INTERFACE_OWNER, Network, Port, Router, Rule, SecurityGroup,
    Subnet,
};
use crate::domain::protocol;

/// What of the configuration goes into specs.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Name servers of subnets that name none.
    pub dns_servers: Vec<IpAddr>,
}

/// A network as `host` is to carry it out; `None` where there is no such network.
///
/// # Errors
/// The store's.
pub fn network(
    db: &Connection,
    defaults: &Defaults,
    id: &NetworkId,
    host: &HostId,
) -> Result<Option<NetworkSpec>, Fault> {
    let Some(network) = db::networks::get(db, id)? else { return Ok(None) };
    let subnets = db::subnets::of_network(db, id)?;
    let service_port = db::ports::dhcp(db, id, host)?.map(|port| ServicePort {
        port_id: port.id,
        mac: port.mac_address,
        fixed_ips: port.fixed_ips,
    });
    let gateway = gateway(&network);
    let held_by_host = gateway == NetworkGateway::Host;
    let held = |mut subnet: SubnetSpec| {
        // The host can hold only what lies in the subnet.
        subnet.gateway_ip = subnet.gateway_ip.filter(|ip| !held_by_host || subnet.cidr.contains(ip));
        subnet
    };
    Ok(Some(NetworkSpec {
        id: network.id.clone(),
        mtu: network.mtu,
        segment: segment(&network),
        dns_domain: network.dns_domain,
        subnets: subnets.into_iter().map(|subnet| held(subnet_spec(subnet, defaults))).collect(),
        metadata: service_port.is_some(),
        service_port,
        gateway,
    }))
}

/// Who routes for a network: for an external one the host, unless it is the LAN at the hosts' external interfaces.
fn gateway(network: &Network) -> NetworkGateway {
    match (network.external, network.network_type.as_str(), network.physical_network.as_deref()) {
        (true, "flat", Some(EXTERNAL_PHYSICAL_NETWORK)) => NetworkGateway::Lan,
        (true, _, _) => NetworkGateway::Host,
        _ if network.host_gateway => NetworkGateway::Host,
        _ => NetworkGateway::Router,
    }
}

fn segment(network: &Network) -> Segment {
    let id = network.segmentation_id.unwrap_or_default();
    match (network.network_type.as_str(), &network.physical_network) {
        ("vxlan", _) => u32::try_from(id).map_or(Segment::Local, |vni| Segment::Vxlan { vni }),
        ("vlan", Some(physical)) => {
            u16::try_from(id).map_or(Segment::Local, |vlan| Segment::Vlan { vlan, physical_network: physical.clone() })
        }
        _ => Segment::Local,
    }
}

fn subnet_spec(subnet: Subnet, defaults: &Defaults) -> SubnetSpec {
    let v6 = subnet.is_v6();
    let given = |ip: &&IpAddr| matches!(ip, IpAddr::V6(_)) == v6;
    let dns_nameservers = if subnet.dns_nameservers.is_empty() {
        defaults.dns_servers.iter().filter(given).copied().collect()
    } else {
        subnet.dns_nameservers
    };
    SubnetSpec {
        id: subnet.id,
        cidr: subnet.cidr,
        gateway_ip: subnet.gateway_ip,
        enable_dhcp: subnet.enable_dhcp,
        dns_nameservers,
        host_routes: subnet.host_routes,
        ipv6_address_mode: subnet.ipv6_address_mode.as_deref().and_then(mode),
        ipv6_ra_mode: subnet.ipv6_ra_mode.as_deref().and_then(mode),
    }
}

fn mode(text: &str) -> Option<Ipv6Mode> {
    match text {
        "slaac" => Some(Ipv6Mode::Slaac),
        "dhcpv6-stateful" => Some(Ipv6Mode::DhcpStateful),
        "dhcpv6-stateless" => Some(Ipv6Mode::DhcpStateless),
        _ => None,
    }
}

/// A guest's port.
#[must_use]
pub fn port(port: Port) -> PortSpec {
    let pair = |pair: &crate::domain::model::AddressPair| {
        let ip_address = normalized(&pair.ip_address)?;
        let mac_address = pair.mac_address.clone().unwrap_or_else(|| port.mac_address.clone());
        Some(AddressPair { ip_address, mac_address })
    };
    let allowed_address_pairs = port.allowed_address_pairs.iter().filter_map(pair).collect();
    let option = |option: crate::domain::model::DhcpOpt| {
        let value = option.opt_value?;
        Some(DhcpOption { name: option.opt_name, value, ip_version: option.ip_version })
    };
    PortSpec {
        id: port.id,
        network_id: port.network_id,
        mac: port.mac_address,
        fixed_ips: port.fixed_ips,
        allowed_address_pairs,
        port_security_enabled: port.port_security_enabled,
        security_groups: port.security_groups,
        device_owner: port.device_owner,
        device_id: port.device_id,
        hostname: if is_hostname(&port.hostname) { port.hostname } else { String::new() },
        admin_state_up: port.admin_state_up,
        extra_dhcp_opts: port.extra_dhcp_opts.into_iter().filter_map(option).collect(),
    }
}

/// Whether DNS can know a guest by `name`.
fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// A security group.
#[must_use]
pub fn group(group: SecurityGroup) -> SecurityGroupSpec {
    SecurityGroupSpec { id: group.id, stateful: group.stateful, rules: group.rules.into_iter().map(rule).collect() }
}

fn rule(rule: Rule) -> SecurityGroupRuleSpec {
    SecurityGroupRuleSpec {
        id: rule.id,
        direction: if rule.direction == "ingress" { Direction::Ingress } else { Direction::Egress },
        ethertype: if rule.ethertype == "IPv6" { Ethertype::Ipv6 } else { Ethertype::Ipv4 },
        protocol: rule.protocol.as_deref().and_then(protocol::number),
        port_range_min: rule.port_range_min,
        port_range_max: rule.port_range_max,
        remote_ip_prefix: rule.remote_ip_prefix.as_deref().and_then(normalized),
        remote_group_id: rule.remote_group_id,
    }
}

/// A router and the networks that it is on.
///
/// # Errors
/// The store's.
pub fn router(
    db: &Connection,
    defaults: &Defaults,
    router: Router,
    host: &HostId,
) -> Result<(Vec<NetworkSpec>, RouterSpec), Fault> {
    let mut networks: Vec<NetworkSpec> = Vec::new();
    let mut spec = RouterSpec {
        id: router.id.clone(),
        admin_state_up: router.admin_state_up,
        interfaces: Vec::new(),
        gateway: None,
        routes: router.routes,
        floating_ips: floating_ips(db, &router.id)?,
    };
    for leg in db::ports::of_device(db, router.id.as_str())? {
        let subnets = db::subnets::of_network(db, &leg.network_id)?;
        let addresses = addresses(&leg, &subnets);
        if !networks.iter().any(|network| network.id == leg.network_id) {
            networks.extend(network(db, defaults, &leg.network_id, host)?);
        }
        match leg.device_owner.as_str() {
            INTERFACE_OWNER => spec.interfaces.push(RouterInterface {
                port_id: leg.id,
                network_id: leg.network_id,
                mac: leg.mac_address,
                addresses,
            }),
            GATEWAY_OWNER => {
                let on = |subnet: &&Subnet| leg.fixed_ips.iter().any(|fixed| fixed.subnet_id == subnet.id);
                spec.gateway = Some(RouterGateway {
                    nexthops: subnets.iter().filter(on).filter_map(|subnet| subnet.gateway_ip).collect(),
                    port_id: leg.id,
                    network_id: leg.network_id,
                    mac: leg.mac_address,
                    addresses,
                    enable_snat: router.enable_snat,
                });
            }
            _ => {}
        }
    }
    Ok((networks, spec))
}

fn floating_ips(db: &Connection, router: &RouterId) -> Result<Vec<FloatingIpSpec>, Fault> {
    let spec = |floating: FloatingIp| {
        let to = floating.association?;
        Some(FloatingIpSpec {
            floating_ip_address: floating.floating_ip_address,
            fixed_ip_address: to.fixed_ip_address,
            port_id: to.port_id,
        })
    };
    Ok(db::floatingips::of_router(db, router)?.into_iter().filter_map(spec).collect())
}

fn addresses(leg: &Port, subnets: &[Subnet]) -> Vec<InterfaceAddress> {
    let address = |fixed: &bus::topics::network_spec::FixedIp| {
        let subnet = subnets.iter().find(|subnet| subnet.id == fixed.subnet_id)?;
        let address = IpNet::new(fixed.ip_address, subnet.cidr.prefix_len()).ok()?;
        Some(InterfaceAddress { subnet_id: subnet.id.clone(), address })
    };
    leg.fixed_ips.iter().filter_map(address).collect()
}

/// The addresses that a group has on other hosts than `host`.
///
/// # Errors
/// The store's.
pub fn members(db: &Connection, group: &SecurityGroupId, host: &HostId) -> Result<GroupMembers, Fault> {
    let sql = "SELECT a.ip_address FROM network_port_groups g JOIN network_ports p ON p.id = g.port_id
        JOIN network_addresses a ON a.port_id = p.id
        WHERE g.security_group_id = ?1 AND p.binding_host NOT IN ('', ?2) ORDER BY a.address";
    let texts = query::all(db, sql, params![group.as_str(), host.as_str()], |row| row.get::<_, String>(0))?;
    let addresses = texts.iter().filter_map(|text| text.parse().ok()).collect();
    Ok(GroupMembers { group_id: group.clone(), addresses })
}

/// All that `host` is to carry: for a full sync.
///
/// # Errors
/// The store's.
pub fn host_state(db: &Connection, defaults: &Defaults, host: &HostId) -> Result<HostState, Fault> {
    let ports = db::ports::of_host(db, host)?;
    let mut state = HostState::default();
    let mut networks: Vec<&NetworkId> = ports.iter().map(|port| &port.network_id).collect();
    networks.sort_unstable();
    networks.dedup();
    for id in networks {
        state.networks.extend(network(db, defaults, id, host)?);
    }
    let mut groups: Vec<SecurityGroupId> = ports.iter().flat_map(|port| port.security_groups.iter().cloned()).collect();
    groups.sort_unstable();
    groups.dedup();
    for found in db::security_groups::with_remotes(db, &groups)? {
        let elsewhere = members(db, &found.id, host)?;
        if !elsewhere.addresses.is_empty() {
            state.group_members.push(elsewhere);
        }
        state.security_groups.push(group(found));
    }
    state.ports = ports.into_iter().filter(Port::is_wired).map(port).collect();
    for found in db::routers::of_host(db, host)? {
        state.routers.push(router(db, defaults, found, host)?.1);
    }
    Ok(state)
}
