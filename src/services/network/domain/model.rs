//! What the service knows: its resources as typed values, one struct per table.

use std::net::IpAddr;

use bus::topics::network_spec::{FixedIp, Route};
use ipnet::IpNet;
use kit::Timestamp;
use kit::ids::{
    HostId, NetworkId, PortId, ProjectId, RouterId, SecurityGroupId, SecurityGroupRuleId, ServerId, SubnetId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Range;

/// `device_owner` of the port that a host's DHCP, DNS and metadata service use.
pub const DHCP_OWNER: &str = "network:dhcp";
/// `device_owner` of a router's leg in a tenant's network.
pub const INTERFACE_OWNER: &str = "network:router_interface";
/// `device_owner` of a router's leg in an external network.
pub const GATEWAY_OWNER: &str = "network:router_gateway";
/// `device_owner` of the port that has a floating IP's address.
pub const FLOATING_OWNER: &str = "network:floatingip";
/// The physical network of the LANs that hosts are in at their external interface.
pub const EXTERNAL_PHYSICAL_NETWORK: &str = "external";
/// What the `device_owner` of a guest's port begins with.
pub const COMPUTE_OWNER: &str = "compute:";

/// What every resource has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    /// Free text.
    pub description: String,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// How often it was changed.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Standard {
    /// Of something made at `now`.
    #[must_use]
    pub fn new(description: String, now: Timestamp) -> Self {
        Self { description, tags: Vec::new(), revision_number: 0, created_at: now, updated_at: now }
    }

    /// Counts a change at `now`.
    pub fn touch(&mut self, now: Timestamp) {
        self.revision_number += 1;
        self.updated_at = now;
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its id.
    pub id: NetworkId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Down, nothing passes.
    pub admin_state_up: bool,
    /// Whether every project may use it.
    pub shared: bool,
    /// Whether routers may have their gateway in it.
    pub external: bool,
    /// Whether it is the one that automatic topologies take.
    pub is_default: bool,
    /// The largest IP packet.
    pub mtu: u32,
    /// What new ports get.
    pub port_security_enabled: bool,
    /// The domain of its guests' names.
    pub dns_domain: String,
    /// `local`, `flat`, `vlan` or `vxlan`.
    pub network_type: String,
    /// The physical network's name, where it is on one.
    pub physical_network: Option<String>,
    /// The VLAN tag or VXLAN identifier.
    pub segmentation_id: Option<i64>,
    /// Whether the host holds the gateways, rather than a router of a tenant.
    pub host_gateway: bool,
    /// Description, tags, times.
    pub standard: Standard,
    /// Its subnets, oldest first.
    pub subnets: Vec<SubnetId>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// Its network.
    pub network_id: NetworkId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its range.
    pub cidr: IpNet,
    /// The address of its router.
    pub gateway_ip: Option<IpAddr>,
    /// Whether addresses are handed out.
    pub enable_dhcp: bool,
    /// `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`: what advertisements say.
    pub ipv6_ra_mode: Option<String>,
    /// How guests get their address.
    pub ipv6_address_mode: Option<String>,
    /// Name servers.
    pub dns_nameservers: Vec<IpAddr>,
    /// More routes for guests.
    pub host_routes: Vec<Route>,
    /// What `device_owner`s it is for; all when empty.
    pub service_types: Vec<String>,
    /// Where addresses are taken from.
    pub pools: Vec<Range>,
    /// Whether its network is external.
    pub external: bool,
    /// Description, tags, times.
    pub standard: Standard,
}

impl Subnet {
    /// 4 or 6.
    #[must_use]
    pub fn ip_version(&self) -> u8 {
        if self.is_v6() { 6 } else { 4 }
    }

    /// Whether it is of IPv6.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        matches!(self.cidr, IpNet::V6(_))
    }

    /// Whether guests make their address themselves, so that it follows from the port's MAC.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        let automatic = |mode: &Option<String>| matches!(mode.as_deref(), Some("slaac" | "dhcpv6-stateless"));
        self.is_v6() && (automatic(&self.ipv6_address_mode) || automatic(&self.ipv6_ra_mode))
    }
}

/// A further source that a port may send from, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPair {
    /// An address or a range.
    pub ip_address: String,
    /// The Ethernet address; the port's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
}

/// A DHCP option of one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOpt {
    /// Name or number.
    pub opt_name: String,
    /// Its value; in a change, none takes the option away.
    pub opt_value: Option<String>,
    /// 4 or 6.
    pub ip_version: u8,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its id.
    pub id: PortId,
    /// Its network.
    pub network_id: NetworkId,
    /// Whose it is; nobody's for a router's gateway.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its Ethernet address.
    pub mac_address: String,
    /// Down, nothing passes.
    pub admin_state_up: bool,
    /// `ACTIVE` once it is wired, `DOWN` before, `N/A` for a router's gateway.
    pub status: PortStatus,
    /// What it belongs to: a server, a router.
    pub device_id: String,
    /// What kind of thing that is.
    pub device_owner: String,
    /// Off, the guest may send anything.
    pub port_security_enabled: bool,
    /// The host that it is bound to.
    pub binding_host: Option<HostId>,
    /// `normal`.
    pub binding_vnic_type: String,
    /// What was said about it to the driver.
    pub binding_profile: Value,
    /// The device on its host, once it is wired.
    pub device: Option<String>,
    /// The bridge that the device is attached to.
    pub bridge: Option<String>,
    /// The name that DNS knows it by.
    pub hostname: String,
    /// The server that compute attached it to. `device_id` is what users say, and proves nothing.
    pub server_id: Option<ServerId>,
    /// Whether it was made for its server, and goes with it.
    pub made_for_server: bool,
    /// Its place among its server's interfaces.
    pub device_index: i64,
    /// The device role tag.
    pub device_tag: Option<String>,
    /// Further sources.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// DHCP options.
    pub extra_dhcp_opts: Vec<DhcpOpt>,
    /// Its addresses, in the order in which they were asked for.
    pub fixed_ips: Vec<FixedIp>,
    /// Its security groups, sorted.
    pub security_groups: Vec<SecurityGroupId>,
    /// Description, tags, times.
    pub standard: Standard,
}

impl Port {
    /// Whether the service or a router has it, rather than a guest or nobody.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.device_owner.starts_with("network:")
    }

    /// Whether an agent wires it as a guest's port.
    #[must_use]
    pub fn is_wired(&self) -> bool {
        self.device.is_some() && !self.is_service()
    }
}

/// What a port is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortStatus {
    /// Wired.
    Active,
    /// Not wired yet.
    Down,
    /// Of no meaning for it.
    NotApplicable,
}

impl PortStatus {
    /// Neutron's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Down => "DOWN",
            Self::NotApplicable => "N/A",
        }
    }

    /// The status with Neutron's name `text`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "N/A" => Self::NotApplicable,
            _ => Self::Down,
        }
    }
}

/// A router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// Its id.
    pub id: RouterId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Down, it forwards nothing.
    pub admin_state_up: bool,
    /// Its leg in an external network.
    pub gateway: Option<Gateway>,
    /// Whether what leaves takes its address.
    pub enable_snat: bool,
    /// More routes.
    pub routes: Vec<Route>,
    /// The host whose agent carries it.
    pub host: Option<HostId>,
    /// Description, tags, times.
    pub standard: Standard,
}

/// A router's leg in an external network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its port.
    pub port_id: PortId,
    /// The external network.
    pub network_id: NetworkId,
    /// Its addresses there.
    pub fixed_ips: Vec<FixedIp>,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Whether answers pass by themselves.
    pub stateful: bool,
    /// Whether it is its project's `default`.
    pub is_default: bool,
    /// Its rules, oldest first.
    pub rules: Vec<Rule>,
    /// Description, tags, times.
    pub standard: Standard,
}

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Counts all rules ever made (`standard_attr_id`); 0 before it is stored.
    pub number: i64,
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// Its group.
    pub security_group_id: SecurityGroupId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// `ingress` or `egress`.
    pub direction: String,
    /// `IPv4` or `IPv6`.
    pub ethertype: String,
    /// As the client named it.
    pub protocol: Option<String>,
    /// The first port, or the ICMP type.
    pub port_range_min: Option<u16>,
    /// The last port, or the ICMP code.
    pub port_range_max: Option<u16>,
    /// The other end's range, as the client wrote it.
    pub remote_ip_prefix: Option<String>,
    /// The group that the other end is in.
    pub remote_group_id: Option<SecurityGroupId>,
    /// Free text; the rules that come with a group have none.
    pub description: Option<String>,
    /// Whether its group is a project's `default`.
    pub in_default_group: bool,
    /// How often it was changed.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A host's network agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its host.
    pub host: HostId,
    /// Whether it takes new work.
    pub admin_state_up: bool,
    /// Free text.
    pub description: String,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last started.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub heartbeat_at: Timestamp,
}

/// An address of an external network that leads to a port behind a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatingIp {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub project_id: ProjectId,
    /// The external network.
    pub floating_network_id: NetworkId,
    /// The address.
    pub floating_ip_address: IpAddr,
    /// The port that has it.
    pub floating_port_id: PortId,
    /// Where it leads.
    pub association: Option<Association>,
    /// Description, tags, times.
    pub standard: Standard,
}

/// Where a floating IP leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The port.
    pub port_id: PortId,
    /// The port's address.
    pub fixed_ip_address: IpAddr,
    /// The router between the two.
    pub router_id: RouterId,
}
