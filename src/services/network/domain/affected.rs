//! What a transaction changed, as far as hosts must hear of it: gathered while it runs, told after its commit.

use std::collections::BTreeSet;

use kit::ids::{HostId, NetworkId, PortId, RouterId, SecurityGroupId};

/// Something that a host is to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A guest's port.
    Port(PortId),
    /// A network.
    Network(NetworkId),
    /// A router.
    Router(RouterId),
    /// A security group.
    Group(SecurityGroupId),
}

/// What changed. The sets name what is to be looked up again and sent as it is by then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Networks, their subnets and service ports.
    pub networks: BTreeSet<NetworkId>,
    /// Guests' ports that are wired.
    pub ports: BTreeSet<PortId>,
    /// Routers and their legs.
    pub routers: BTreeSet<RouterId>,
    /// Security groups and their rules.
    pub groups: BTreeSet<SecurityGroupId>,
    /// Security groups whose ports or addresses changed: hosts with rules that refer to them must know.
    pub members: BTreeSet<SecurityGroupId>,
    /// What is gone, and from where.
    pub removed: Vec<(HostId, Removal)>,
}

impl Affected {
    /// Whether no host needs to hear of anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
