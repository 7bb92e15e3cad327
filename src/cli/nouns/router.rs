//! `cloudbox router`: routers between networks.

use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, NAME, RENAME, Resource, call, columns, create, delete, list, operand,
    opt, set, show,
};
use super::subnet::SUBNET;
use crate::cli::resolve::{NETWORK, ROUTER};

const WHICH: Arg = operand("ROUTER", Kind::Ref(&ROUTER), "Name or id");
const LAN: Arg = operand("SUBNET", Kind::Ref(&SUBNET), "The subnet's name or id").field("subnet_id");
const GATEWAY: Arg =
    opt("gateway", Kind::Ref(&NETWORK), "The external network behind it").field("external_gateway_info/network_id");
const NO_GATEWAY: Arg = opt("no-gateway", Kind::Flag("null"), "Without a way out").field("external_gateway_info");
const UP: Arg = opt("up", Kind::Flag("true"), "Switch it on").field("admin_state_up");
const DOWN: Arg = opt("down", Kind::Flag("false"), "Switch it off").field("admin_state_up");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ROUTER,
    about: "Routers between networks",
    list: columns! {
        "Name": "/name", "Status": "/status", "Gateway": "/external_gateway_info/network_id", "Up": "/admin_state_up" wide, "Id": "/id",
    },
    show: columns! {
        "Name": "/name", "Id": "/id", "Status": "/status", "Up": "/admin_state_up", "Gateway": "/external_gateway_info",
        "Routes": "/routes", "Description": "/description", "Project": "/project_id", "Created": "/created_at",
    },
    verbs: &[
        list(&[]),
        show(),
        create(&[NAME, GATEWAY, DESCRIPTION]),
        set("PUT", &[RENAME, GATEWAY, NO_GATEWAY, UP, DOWN, DESCRIPTION]),
        delete(),
        call(
            "connect",
            "Connect a subnet to a router",
            &[WHICH, LAN],
            Call {
                method: "PUT",
                paths: &["/routers/{ROUTER}/add_router_interface"],
                body: Body::Said,
                answer: Answer::Nothing,
            },
        ),
        call(
            "disconnect",
            "Disconnect a subnet from a router",
            &[WHICH, LAN],
            Call {
                method: "PUT",
                paths: &["/routers/{ROUTER}/remove_router_interface"],
                body: Body::Said,
                answer: Answer::Nothing,
            },
        ),
    ],
};
