//! `cloudbox port`: ports: where something is plugged into a network.

use super::resource::{Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, columns, create, delete, list, opt, set, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, NETWORK, Noun, SECURITY_GROUP, VM, kind};

/// Ports.
pub static PORT: Noun =
    kind(("port", "port"), Service::Network, ("/ports", "/ports"), ("ports", Some("port")), ByName::Exact)
        .called(&["/fixed_ips/0/ip_address", "/mac_address"]);

use serde_json::{Value, json};

const ADDRESS: Arg =
    opt("address", Kind::ParsedMany("IP", address), "An address; may be given more than once").field("fixed_ips");
const GROUP: Arg = opt("security-group", Kind::Refs(&SECURITY_GROUP), "A security group; may be given more than once")
    .field("security_groups");
const NO_GROUPS: Arg = opt("no-security-groups", Kind::Flag("[]"), "None").field("security_groups");
const PAIR: Arg = opt(
    "allow-address",
    Kind::ParsedMany("IP[,MAC]", pair),
    "Something else that it may send from; may be given more than once",
)
.field("allowed_address_pairs");
const SECURITY: Arg = opt("port-security", Kind::Flag("true"), "Filter what it sends").field("port_security_enabled");
const NO_SECURITY: Arg =
    opt("no-port-security", Kind::Flag("false"), "Do not; it must have no groups").field("port_security_enabled");
const UP: Arg = opt("up", Kind::Flag("true"), "Switch it on").field("admin_state_up");
const DOWN: Arg = opt("down", Kind::Flag("false"), "Switch it off").field("admin_state_up");

fn address(text: &str) -> Result<Value, String> {
    Ok(json!({ "ip_address": text }))
}

fn pair(text: &str) -> Result<Value, String> {
    Ok(match text.split_once(',') {
        Some((ip, mac)) => json!({ "ip_address": ip, "mac_address": mac }),
        None => json!({ "ip_address": text }),
    })
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &PORT,
    about: "Ports: where something is plugged into a network",
    list: columns! {
        "Name": "/name", "Status": "/status", "Address": "/fixed_ips/0/ip_address", "MAC": "/mac_address",
        "Owner": "/device_owner", "Device": "/device_id" wide, "Network": "/network_id" wide, "Id": "/id",
    },
    show: columns! {
        "Name": "/name", "Id": "/id", "Status": "/status", "Up": "/admin_state_up", "Network": "/network_id",
        "Addresses": "/fixed_ips", "MAC": "/mac_address", "Owner": "/device_owner", "Device": "/device_id",
        "Security groups": "/security_groups", "Port security": "/port_security_enabled",
        "Allowed addresses": "/allowed_address_pairs", "Host": "/binding:host_id", "Description": "/description",
        "Project": "/project_id", "Created": "/created_at",
    },
    verbs: &[
        list(&[
            opt("network", Kind::Ref(&NETWORK), "Only of this network").field("network_id"),
            opt("vm", Kind::Ref(&VM), "Only of this VM").field("device_id"),
            opt("mac", Kind::Text, "Only with this MAC address").field("mac_address"),
        ]),
        show(),
        create(&[
            NAME,
            opt("network", Kind::Ref(&NETWORK), "The network").field("network_id").needed(),
            ADDRESS,
            opt("mac", Kind::Text, "Its MAC address").field("mac_address"),
            GROUP,
            NO_GROUPS,
            PAIR,
            SECURITY,
            NO_SECURITY,
            UP,
            DOWN,
            DESCRIPTION,
        ]),
        set("PUT", &[RENAME, ADDRESS, GROUP, NO_GROUPS, PAIR, SECURITY, NO_SECURITY, UP, DOWN, DESCRIPTION]),
        delete(),
    ],
};
