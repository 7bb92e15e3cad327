//! What a host's network is to look like: the data that the network service sends and the network agent's drivers obey.
//!
//! Plain data, no behaviour and no I/O. A spec is the whole truth about its object: what is not in it is
//! taken away. Ids are Neutron's; addresses are already allocated; nothing here is worked out by the agent.
//!
//! Objects refer to each other by id, and a driver wants what is referred to first: networks and groups
//! before ports, networks before routers. [`HostState`] is the whole of it, for a full sync.

use std::net::IpAddr;

use ipnet::IpNet;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId, SecurityGroupRuleId, SubnetId};
use serde::{Deserialize, Serialize};

/// An Ethernet address as Neutron writes it: six lower-case hexadecimal octets with colons.
pub type MacAddress = String;

/// A network with its subnets, as far as a host carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The network.
    pub id: NetworkId,
    /// The largest IP packet, in bytes; handed out by DHCP and router advertisements.
    pub mtu: u32,
    /// How the network's frames travel between hosts.
    pub segment: Segment,
    /// The domain of the names that the network's DNS answers, e.g. `cloudbox.local`. None when empty.
    pub dns_domain: String,
    /// Its subnets, in order of creation.
    pub subnets: Vec<SubnetSpec>,
    /// The port that this host's DHCP, DNS and metadata service answer on; none: the host serves none of them.
    pub service_port: Option<ServicePort>,
    /// Whether the metadata service is offered at 169.254.169.254 (needs a service port).
    pub metadata: bool,
    /// Who routes for the network.
    pub gateway: NetworkGateway,
}

/// How a network's frames travel between hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Segment {
    /// Not at all: the network exists on this host alone.
    #[default]
    Local,
    /// Over VXLAN.
    Vxlan {
        /// The network identifier, 24 bits.
        vni: u32,
    },
    /// Tagged on a physical network.
    Vlan {
        /// The tag, 1 to 4094.
        vlan: u16,
        /// The physical network's name in the configuration.
        physical_network: String,
    },
}

/// Who routes for a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkGateway {
    /// Routers of the tenant, or nobody: the host has no address on it.
    #[default]
    Router,
    /// The host itself: it holds every subnet's gateway address, forwards and masquerades what goes out, and reaches
    /// the guests directly. The network made at first start, and external networks (`router:external`)
    /// whose pool exists on this host alone, are of this kind.
    Host,
    /// The router of the LAN at the host's external interface. The host carries packets between the LAN and those of its
    /// addresses that are here, and answers ARP for both; it has no address of its own on the network.
    Lan,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetSpec {
    /// The subnet.
    pub id: SubnetId,
    /// Its range.
    pub cidr: IpNet,
    /// The address of its router.
    pub gateway_ip: Option<IpAddr>,
    /// Whether addresses are handed out on it.
    pub enable_dhcp: bool,
    /// Name servers for the guests; the service port's address when empty.
    pub dns_nameservers: Vec<IpAddr>,
    /// More routes for the guests.
    pub host_routes: Vec<Route>,
    /// How IPv6 guests get their address.
    pub ipv6_address_mode: Option<Ipv6Mode>,
    /// What the router advertisements (of the network's router) say.
    pub ipv6_ra_mode: Option<Ipv6Mode>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: IpNet,
    /// By which router.
    pub nexthop: IpAddr,
}

/// Neutron's IPv6 modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ipv6Mode {
    /// The address from the advertised prefix, nothing else.
    #[serde(rename = "slaac")]
    Slaac,
    /// The address from DHCPv6.
    #[serde(rename = "dhcpv6-stateful")]
    DhcpStateful,
    /// The address from the advertised prefix, the rest from DHCPv6.
    #[serde(rename = "dhcpv6-stateless")]
    DhcpStateless,
}

/// The port that a host's DHCP, DNS and metadata service use on a network (`network:dhcp`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// The port.
    pub port_id: PortId,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// Its addresses.
    pub fixed_ips: Vec<FixedIp>,
}

/// An address of a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FixedIp {
    /// The subnet that it is from.
    pub subnet_id: SubnetId,
    /// The address.
    pub ip_address: IpAddr,
}

/// A port of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// The port.
    pub id: PortId,
    /// Its network.
    pub network_id: NetworkId,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// Its addresses.
    pub fixed_ips: Vec<FixedIp>,
    /// What else it may send from.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// Off, the guest may send and receive anything.
    pub port_security_enabled: bool,
    /// The groups whose rules hold for it. None: nothing passes but DHCP and neighbour discovery.
    pub security_groups: Vec<SecurityGroupId>,
    /// Neutron's `device_owner`, e.g. `compute:nova`.
    pub device_owner: String,
    /// Neutron's `device_id`: the server.
    pub device_id: String,
    /// The name that DHCP and DNS know it by. None when empty.
    pub hostname: String,
    /// Down, nothing passes.
    pub admin_state_up: bool,
    /// DHCP options for this port alone.
    pub extra_dhcp_opts: Vec<DhcpOption>,
}

/// A further source that a port may send from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddressPair {
    /// An address or a range.
    pub ip_address: IpNet,
    /// The Ethernet address; the port's own when the API's user named none (the service fills it in).
    pub mac_address: MacAddress,
}

/// A DHCP option for one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOption {
    /// The option's name (as dnsmasq and Neutron spell it, e.g. `bootfile-name`) or number.
    pub name: String,
    /// Its value.
    pub value: String,
    /// 4 or 6.
    pub ip_version: u8,
}

/// Where a port's traffic enters the host: what the hypervisor needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortWiring {
    /// The tap device, made and owned by the network agent.
    pub device: String,
    /// The bridge that it is attached to.
    pub bridge: String,
    /// The MTU.
    pub mtu: u32,
}

/// A router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterSpec {
    /// The router.
    pub id: RouterId,
    /// Down, it forwards nothing.
    pub admin_state_up: bool,
    /// Its legs in the tenant's networks.
    pub interfaces: Vec<RouterInterface>,
    /// Its leg in an external network.
    pub gateway: Option<RouterGateway>,
    /// More routes.
    pub routes: Vec<Route>,
    /// Addresses of the external network that lead to guests behind it.
    pub floating_ips: Vec<FloatingIpSpec>,
}

/// An address with the length of its network's prefix, of a router's leg.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InterfaceAddress {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The address and the prefix's length, e.g. `10.0.0.1/24`.
    pub address: IpNet,
}

/// A router's leg in a tenant's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterInterface {
    /// The router's port.
    pub port_id: PortId,
    /// The network that it is on.
    pub network_id: NetworkId,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
}

/// A router's leg in an external network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterGateway {
    /// The router's port.
    pub port_id: PortId,
    /// The external network.
    pub network_id: NetworkId,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
    /// Where it sends what it has no route for: the external subnets' gateways.
    pub nexthops: Vec<IpAddr>,
    /// Whether what leaves takes the router's own address.
    pub enable_snat: bool,
}

/// A floating IP that is associated with a port behind the router.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FloatingIpSpec {
    /// The address in the external network.
    pub floating_ip_address: IpAddr,
    /// The address of the port.
    pub fixed_ip_address: IpAddr,
    /// The port.
    pub port_id: PortId,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupSpec {
    /// The group.
    pub id: SecurityGroupId,
    /// Whether answers to what a rule lets through pass too.
    pub stateful: bool,
    /// Its rules: what passes.
    pub rules: Vec<SecurityGroupRuleSpec>,
}

/// A rule of a security group: what it lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRuleSpec {
    /// The rule.
    pub id: SecurityGroupRuleId,
    /// To the guest or from it.
    pub direction: Direction,
    /// IPv4 or IPv6.
    pub ethertype: Ethertype,
    /// The IP protocol's number; none: any.
    pub protocol: Option<u8>,
    /// The first port, or the ICMP type.
    pub port_range_min: Option<u16>,
    /// The last port, or the ICMP code.
    pub port_range_max: Option<u16>,
    /// The other end's range.
    pub remote_ip_prefix: Option<IpNet>,
    /// The group that the other end is in.
    pub remote_group_id: Option<SecurityGroupId>,
}

/// To the guest or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the guest.
    Ingress,
    /// From the guest.
    Egress,
}

/// IPv4 or IPv6, as Neutron spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ethertype {
    /// IPv4.
    #[serde(rename = "IPv4")]
    Ipv4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    Ipv6,
}

/// The addresses of a group's ports that are on other hosts. (Those on the host itself it knows from its ports.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembers {
    /// The group.
    pub group_id: SecurityGroupId,
    /// All addresses elsewhere.
    pub addresses: Vec<IpAddr>,
}

/// All that one host is to carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The networks that the host's ports and routers are on.
    pub networks: Vec<NetworkSpec>,
    /// The security groups of the host's ports, and those that their rules refer to.
    pub security_groups: Vec<SecurityGroupSpec>,
    /// Group members on other hosts.
    pub group_members: Vec<GroupMembers>,
    /// The ports of the host's guests.
    pub ports: Vec<PortSpec>,
    /// The routers on this host.
    pub routers: Vec<RouterSpec>,
}
