//! Topic `network`: what Neutron answers compute, and its agents.

use std::net::IpAddr;
use std::path::PathBuf;

use kit::ids::{HostId, NetworkId, PortId, ProjectId, ServerId};
use serde::{Deserialize, Serialize};

use super::compute_types::{RequestedNetwork, SecurityGroupRef, Vif};
use super::network_spec::HostState;
use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "network";

rpc! { TOPIC:
    ValidateNetworks      => ValidatedNetworks,
    AllocateForInstance   => Vec<Vif>,
    BindPort              => Vif,
    DeallocateForInstance => (),
    GetInstanceNetworks   => Vec<Vif>,
    FindPortByAddress     => Option<PortOwner>,
    RegisterNetworkAgent  => HostState,
    OpenServerTunnel      => ServerTunnel,
}

/// Connects to a TCP port of a server, from inside of one of its networks. 404 for a server without an address, 409 where
/// nobody answers there, 503 where the host has as many tunnels as it may.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenServerTunnel {
    /// Which.
    pub server_id: ServerId,
    /// The TCP port.
    pub port: u16,
}

/// A connection to a server that waits for who wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTunnel {
    /// On which host.
    pub host: HostId,
    /// The unix socket there. The first who connects gets it, within a few seconds.
    pub path: PathBuf,
}

/// Whether a server can have these networks and security groups; before anything is made.
/// 400 for what does not exist or may not be used, 409 for a port in use, 403 when there is not quota for the ports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ValidateNetworks {
    /// For which project.
    pub project_id: ProjectId,
    /// What was asked for.
    pub requested: NetworkRequest,
    /// Names or ids of security groups; the project's `default` when empty.
    pub security_groups: Vec<String>,
    /// How many servers will each have them.
    pub servers: u32,
}

/// Which networks a server shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkRequest {
    /// The only network that the project can use; 409 when there are several, none when there is none.
    /// (What Nova does when nothing is said, and for `auto`.)
    Auto,
    /// No network.
    None,
    /// These.
    These(Vec<RequestedNetwork>),
}

/// What the server will have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatedNetworks {
    /// Each with its network's id.
    pub networks: Vec<RequestedNetwork>,
    /// With ids and names.
    pub security_groups: Vec<SecurityGroupRef>,
}

/// Makes the ports that a server lacks, takes over those that it named, and answers all of its interfaces (step B12 of a boot).
/// Asking again answers the same and makes nothing twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllocateForInstance {
    /// For which server.
    pub server_id: ServerId,
    /// Of which project.
    pub project_id: ProjectId,
    /// On which host.
    pub host: HostId,
    /// Where that is: goes into `device_owner` (`compute:nova`).
    pub availability_zone: String,
    /// The server's host name, for DNS.
    pub hostname: String,
    /// What was validated.
    pub networks: Vec<RequestedNetwork>,
    /// Of new ports.
    pub security_groups: Vec<SecurityGroupRef>,
}

/// Binds a port to a host and waits until it is wired there: device, addresses, rules, DHCP.
/// The answer's `device` is what the guest's interface is to be connected to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BindPort {
    /// Which.
    pub port_id: PortId,
    /// For which server.
    pub server_id: ServerId,
    /// On which host.
    pub host: HostId,
}

/// Unbinds and unwires a server's ports, deletes those that were made for it and lets go of the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeallocateForInstance {
    /// Whose.
    pub server_id: ServerId,
}

/// A server's interfaces as they are now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetInstanceNetworks {
    /// Whose.
    pub server_id: ServerId,
}

/// Who has this address in this network? For the metadata service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindPortByAddress {
    /// Where.
    pub network_id: NetworkId,
    /// Which address.
    pub address: IpAddr,
}

/// The server behind an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortOwner {
    /// The port.
    pub port_id: PortId,
    /// The server.
    pub server_id: ServerId,
    /// The project of the port.
    pub project_id: ProjectId,
}

/// A network agent is there; it is told all that its host should have. Also the heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterNetworkAgent {
    /// Its host.
    pub host: HostId,
    /// Whether the agent has just started.
    pub starting: bool,
}
