//! Topic `network-agent` on a host: makes the host's network look as it should. Every verb can be repeated.

use std::net::IpAddr;
use std::path::PathBuf;

use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};
use serde::{Deserialize, Serialize};

use super::network_spec::{GroupMembers, HostState, NetworkSpec, PortSpec, PortWiring, RouterSpec, SecurityGroupSpec};
use crate::rpc;

/// The topic's name. Targets name a host.
pub const TOPIC: &str = "network-agent";

rpc! { TOPIC:
    EnsureNetwork       => (),
    RemoveNetwork       => (),
    EnsurePort          => PortWiring,
    RemovePort          => (),
    EnsureRouter        => (),
    RemoveRouter        => (),
    EnsureSecurityGroup => (),
    RemoveSecurityGroup => (),
    SetGroupMembers     => (),
    SyncHost            => (),
    OpenTunnel          => PathBuf,
}

/// Connects to the first of some addresses that answers, each from inside of its network. Answers a unix socket: who connects to it first,
/// within a few seconds, has the connection. 409 where nobody answers, 503 where there are as many tunnels as there may be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenTunnel {
    /// Where, in this order.
    pub addresses: Vec<(NetworkId, IpAddr)>,
    /// The TCP port.
    pub port: u16,
}

/// Makes or changes a network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnsureNetwork {
    /// What it is to be.
    pub network: NetworkSpec,
}

/// Takes a network away; fine when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoveNetwork {
    /// Which.
    pub network_id: NetworkId,
}

/// Makes or changes a guest's port, with the network and the groups that it needs; answers once it is wired.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnsurePort {
    /// Its network.
    pub network: NetworkSpec,
    /// Its security groups, and those that their rules refer to.
    pub security_groups: Vec<SecurityGroupSpec>,
    /// What it is to be.
    pub port: PortSpec,
}

/// Takes a guest's port away; fine when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemovePort {
    /// Which.
    pub port_id: PortId,
}

/// Makes or changes a router, with the networks that it is on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnsureRouter {
    /// The networks of its interfaces and of its gateway.
    pub networks: Vec<NetworkSpec>,
    /// What it is to be.
    pub router: RouterSpec,
}

/// Takes a router away; fine when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoveRouter {
    /// Which.
    pub router_id: RouterId,
}

/// Makes or changes a security group; holds for its ports at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnsureSecurityGroup {
    /// What it is to be.
    pub security_group: SecurityGroupSpec,
}

/// Takes a security group away; fine when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoveSecurityGroup {
    /// Which.
    pub security_group_id: SecurityGroupId,
}

/// Says which addresses a group has on other hosts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetGroupMembers {
    /// All of them.
    pub members: GroupMembers,
}

/// Makes the host equal to this: what is missing is made, what is too much is taken away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncHost {
    /// All that it is to carry.
    pub state: HostState,
}
