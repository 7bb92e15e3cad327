//! Topic `scheduler`: which host takes a server. Competing workers share one queue.

use std::collections::BTreeMap;

use kit::ids::{HostId, ProjectId, ServerId};
use serde::{Deserialize, Serialize};

use super::compute_types::FlavorSpec;
use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "scheduler";

rpc! { TOPIC:
    SelectDestinations => Vec<Destination>,
}

/// A host for each of `servers`: chosen, claimed, and already told to build (steps B5 to B7 of a boot).
/// All or none: when one finds no host, the claims of the others are given back and the fault is
/// [`kit::FaultKind::NoValidHost`], its message saying which filter left how many hosts and what was missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SelectDestinations {
    /// The servers of one request.
    pub servers: Vec<ServerId>,
    /// What each needs.
    pub spec: RequestSpec,
}

/// What servers need of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestSpec {
    /// The project that owns them.
    pub project_id: ProjectId,
    /// Their size.
    pub flavor: FlavorSpec,
    /// Whether the root disk takes local disk: not when it is a volume.
    pub root_is_local: bool,
    /// Properties of their image.
    pub image_properties: BTreeMap<String, String>,
    /// Where they must be.
    pub availability_zone: Option<String>,
    /// The one host that they must be on.
    pub host: Option<HostId>,
    /// The server group that they are in.
    pub group_id: Option<String>,
    /// Other hints of the client.
    pub hints: BTreeMap<String, Vec<String>>,
    /// Hosts that have been tried and failed.
    pub excluded: Vec<HostId>,
}

/// Which host a server goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Which server.
    pub server_id: ServerId,
    /// To which host.
    pub host: HostId,
}
