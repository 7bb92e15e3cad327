//! `cloudbox floating-ip`: floating IPs: addresses of an external network that lead to a port.

use super::port::PORT;
use super::resource::{DESCRIPTION, Kind, Resource, columns, create, delete, list, operand, opt, set, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, NETWORK, Noun, kind};

/// Floating IPs.
pub static FLOATING_IP: Noun = kind(
    ("floating IP", "floating-ip"),
    Service::Network,
    ("/floatingips", "/floatingips"),
    ("floatingips", Some("floatingip")),
    ByName::No,
)
.called(&["/floating_ip_address"]);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &FLOATING_IP,
    about: "Floating IPs: addresses of an external network that lead to a port",
    list: columns! {
        "Address": "/floating_ip_address", "Status": "/status", "Fixed address": "/fixed_ip_address", "Port": "/port_id",
        "Network": "/floating_network_id" wide, "Id": "/id",
    },
    show: columns! {
        "Address": "/floating_ip_address", "Id": "/id", "Status": "/status", "Fixed address": "/fixed_ip_address",
        "Port": "/port_id", "Router": "/router_id", "Network": "/floating_network_id", "Description": "/description",
        "Project": "/project_id", "Created": "/created_at",
    },
    verbs: &[
        list(&[]),
        show(),
        create(&[
            operand("NETWORK", Kind::Ref(&NETWORK), "The external network").field("floating_network_id"),
            opt("port", Kind::Ref(&PORT), "The port that it leads to").field("port_id"),
            opt("address", Kind::Text, "This address").field("floating_ip_address"),
            DESCRIPTION,
        ]),
        set(
            "PUT",
            &[
                opt("port", Kind::Ref(&PORT), "The port that it leads to").field("port_id"),
                opt("no-port", Kind::Flag("null"), "Let it lead nowhere").field("port_id"),
                DESCRIPTION,
            ],
        ),
        delete(),
    ],
};
