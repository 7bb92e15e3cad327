//! The files that dnsmasq reads. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use bus::topics::network_spec::{Ipv6Mode, NetworkSpec, PortSpec, SubnetSpec};
use ipnet::IpNet;

use crate::drivers::linux::names::short_id;

/// The name of the device in the DHCP namespace.
pub const DEVICE: &str = "service0";
/// Where guests find the metadata service.
pub const METADATA: &str = "169.254.169.254";
/// How long a guest may keep an address before it asks again.
const LEASE: &str = "24h";

/// What one dnsmasq reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Its configuration: read at start only.
    pub config: String,
    /// Who gets which address: read again on SIGHUP, as the following are.
    pub hosts: String,
    /// Options by tag.
    pub options: String,
    /// Names for DNS.
    pub names: String,
}

/// The files for a network with its ports. `directory` is where they will be, `upstreams` who is asked for
/// names that are not the network's own.
#[must_use]
pub fn render(network: &NetworkSpec, ports: &[&PortSpec], directory: &Path, upstreams: &[IpAddr]) -> Files {
    Files {
        config: config(network, directory, upstreams),
        hosts: ports.iter().flat_map(|port| host_lines(network, port)).collect(),
        options: network_options(network) + &ports.iter().map(|port| port_options(port)).collect::<String>(),
        names: ports.iter().flat_map(|port| name_lines(network, port)).collect(),
    }
}

fn config(network: &NetworkSpec, directory: &Path, upstreams: &[IpAddr]) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut text = format!(
        "interface={DEVICE}\nexcept-interface=lo\nbind-interfaces\nno-hosts\nno-resolv\n\
         pid-file={}\ndhcp-hostsfile={}\ndhcp-optsfile={}\naddn-hosts={}\n\
         leasefile-ro\ndhcp-authoritative\ndhcp-ignore=tag:!known\ndhcp-lease-max=16777216\n\
         quiet-dhcp\nquiet-dhcp6\nquiet-ra\nlog-facility={}\n",
        file("pid"),
        file("hosts"),
        file("options"),
        file("names"),
        file("log"),
    );
    let domain = domain(network);
    if !domain.is_empty() {
        let _ = write!(text, "domain={domain}\nlocal=/{domain}/\n");
    }
    let named = network.subnets.iter().flat_map(|subnet| &subnet.dns_nameservers).copied();
    let servers: BTreeSet<IpAddr> = named.collect();
    let servers = if servers.is_empty() { upstreams.iter().copied().collect() } else { servers };
    for server in servers {
        let _ = writeln!(text, "server={server}");
    }
    network
        .subnets
        .iter()
        .enumerate()
        .filter_map(|(index, subnet)| range(index, subnet))
        .for_each(|line| text += &line);
    text
}

fn domain(network: &NetworkSpec) -> &str {
    network.dns_domain.trim_end_matches('.')
}

/// A subnet's range: its addresses are given to known hosts alone.
fn range(index: usize, subnet: &SubnetSpec) -> Option<String> {
    if !subnet.enable_dhcp {
        return None;
    }
    let first = subnet.cidr.network();
    match (subnet.cidr, subnet.ipv6_address_mode) {
        (IpNet::V4(cidr), _) => {
            Some(format!("dhcp-range=set:subnet{index},{first},static,{},{LEASE}\n", cidr.netmask()))
        }
        // Without a mode addresses come from the router's advertisements, or from nobody.
        (IpNet::V6(cidr), Some(Ipv6Mode::DhcpStateful | Ipv6Mode::DhcpStateless)) => {
            Some(format!("dhcp-range=set:subnet{index},{first},static,{},{LEASE}\n", cidr.prefix_len()))
        }
        (IpNet::V6(_), _) => None,
    }
}

fn network_options(network: &NetworkSpec) -> String {
    let mut text = String::new();
    for (index, subnet) in network.subnets.iter().enumerate().filter(|(_, subnet)| subnet.enable_dhcp) {
        let tag = format!("tag:subnet{index}");
        let service = service_address(network, subnet);
        match subnet.cidr {
            IpNet::V4(_) => ipv4_options(&mut text, &tag, network, subnet, service),
            IpNet::V6(_) => {
                let servers: Vec<String> = name_servers(subnet, service).map(|ip| format!("[{ip}]")).collect();
                if !servers.is_empty() {
                    let _ = writeln!(text, "{tag},option6:dns-server,{}", servers.join(","));
                }
            }
        }
    }
    text
}

fn ipv4_options(text: &mut String, tag: &str, network: &NetworkSpec, subnet: &SubnetSpec, service: Option<IpAddr>) {
    match subnet.gateway_ip {
        Some(gateway) => {
            let _ = writeln!(text, "{tag},option:router,{gateway}");
        }
        // Named without a value: dnsmasq would otherwise name itself.
        None => {
            let _ = writeln!(text, "{tag},option:router");
        }
    }
    let servers: Vec<String> = name_servers(subnet, service).map(|ip| ip.to_string()).collect();
    if !servers.is_empty() {
        let _ = writeln!(text, "{tag},option:dns-server,{}", servers.join(","));
    }
    let _ = writeln!(text, "{tag},option:mtu,{}", network.mtu);
    let mut routes: Vec<String> =
        subnet.host_routes.iter().map(|route| format!("{},{}", route.destination.trunc(), route.nexthop)).collect();
    if let Some(service) = service.filter(|_| network.metadata) {
        routes.push(format!("{METADATA}/32,{service}"));
    }
    if routes.is_empty() {
        return;
    }
    // Who takes classless routes does not look at the router option any more (RFC 3442).
    routes.extend(subnet.gateway_ip.map(|gateway| format!("0.0.0.0/0,{gateway}")));
    let routes = routes.join(",");
    let _ = write!(text, "{tag},option:classless-static-route,{routes}\n{tag},249,{routes}\n");
}

fn service_address(network: &NetworkSpec, subnet: &SubnetSpec) -> Option<IpAddr> {
    let port = network.service_port.as_ref()?;
    port.fixed_ips.iter().find(|ip| ip.subnet_id == subnet.id).map(|ip| ip.ip_address)
}

fn name_servers(subnet: &SubnetSpec, service: Option<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let own = if subnet.dns_nameservers.is_empty() { service } else { None };
    subnet.dns_nameservers.iter().copied().chain(own)
}

fn tag(port: &PortSpec) -> String {
    format!("port{}", short_id(port.id.as_str()))
}

fn host_lines(network: &NetworkSpec, port: &PortSpec) -> Vec<String> {
    let served = port
        .fixed_ips
        .iter()
        .filter(|ip| network.subnets.iter().any(|subnet| subnet.id == ip.subnet_id && subnet.enable_dhcp));
    served
        .map(|ip| {
            let address = match ip.ip_address {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            format!("{},set:{},{address},{}\n", port.mac, tag(port), hostname(port, ip.ip_address))
        })
        .collect()
}

fn port_options(port: &PortSpec) -> String {
    let mut text = String::new();
    for option in &port.extra_dhcp_opts {
        let number = option.name.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match (option.ip_version, number) {
            (6, _) => "option6:",
            (_, true) => "",
            _ => "option:",
        };
        let _ = writeln!(text, "tag:{},{prefix}{},{}", tag(port), option.name, option.value);
    }
    text
}

fn name_lines(network: &NetworkSpec, port: &PortSpec) -> Vec<String> {
    let domain = domain(network);
    let line = |ip: IpAddr| {
        let name = hostname(port, ip);
        if domain.is_empty() { format!("{ip} {name}\n") } else { format!("{ip} {name}.{domain} {name}\n") }
    };
    port.fixed_ips.iter().map(|ip| line(ip.ip_address)).collect()
}

/// The port's name, or Neutron's for a port without one: `host-10-0-0-5`.
fn hostname(port: &PortSpec, ip: IpAddr) -> String {
    if port.hostname.is_empty() {
        format!("host-{}", ip.to_string().replace(['.', ':'], "-").replace("--", "-0-"))
    } else {
        port.hostname.clone()
    }
}
