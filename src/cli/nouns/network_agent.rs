//! `cloudbox network-agent`: network agents: what makes networks, and where.

use super::resource::{Resource, columns, delete, list, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Network agents.
pub static NETWORK_AGENT: Noun = kind(
    ("network agent", "network-agent"),
    Service::Network,
    ("/agents", "/agents"),
    ("agents", Some("agent")),
    ByName::No,
)
.called(&["/host"]);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Type": "/agent_type", "Host": "/host", "Alive": "/alive", "Up": "/admin_state_up", "Service": "/binary", "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &NETWORK_AGENT,
    about: "Network agents: what makes networks, and where",
    list: LIST,
    show: LIST,
    verbs: &[list(&[]), show(), delete()],
};
