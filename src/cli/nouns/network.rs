//! `cloudbox network`: networks.

use super::resource::{DESCRIPTION, Kind, RENAME, Resource, columns, opt, set};
use crate::cli::resolve::NETWORK;

use crate::cli::output::Column;

const SHOW: &[Column] = columns! {
    "Name": "/name", "Id": "/id", "Status": "/status", "MTU": "/mtu", "Shared": "/shared", "External": "/router:external",
    "Up": "/admin_state_up", "Port security": "/port_security_enabled", "Description": "/description",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &NETWORK,
    about: "Networks",
    list: &[],
    show: SHOW,
    verbs: &[set(
        "PUT",
        &[
            RENAME,
            DESCRIPTION,
            opt("mtu", Kind::Number, "Its MTU"),
            opt("shared", Kind::Flag("true"), "Share it with all projects"),
            opt("not-shared", Kind::Flag("false"), "Keep it to its project").field("shared"),
            opt("up", Kind::Flag("true"), "Switch it on").field("admin_state_up"),
            opt("down", Kind::Flag("false"), "Switch it off").field("admin_state_up"),
            opt("port-security", Kind::Flag("true"), "Filter what new ports send").field("port_security_enabled"),
            opt("no-port-security", Kind::Flag("false"), "Do not").field("port_security_enabled"),
        ],
    )],
};
