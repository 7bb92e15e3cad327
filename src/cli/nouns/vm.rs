//! `cloudbox vm`: virtual machines.

use super::resource::{Answer, Arg, Body, Call, Kind, RENAME, Resource, bare, call, columns, get, operand, opt, set};
use crate::cli::resolve::VM;

const WHICH: Arg = operand("VM", Kind::Ref(&VM), "Name or id");
const ACTION: &[&str] = &["/servers/{VM}/action"];

/// An action without options.
const fn act(body: &'static str) -> Call {
    Call { method: "POST", paths: ACTION, body: Body::Fixed(body), answer: Answer::Nothing }
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &VM,
    about: "Virtual machines",
    list: &[],
    show: &[],
    verbs: &[
        set("PUT", &[RENAME, opt("description", Kind::Text, "What it is for")]),
        call(
            "lock",
            "Let only administrators change a VM",
            &[WHICH, opt("reason", Kind::Text, "Why").field("locked_reason")],
            Call { method: "POST", paths: ACTION, body: Body::Under("lock"), answer: Answer::Nothing },
        ),
        call("unlock", "Let its owner change a VM again", &[WHICH], act(r#"{"unlock": null}"#)),
        call(
            "ports",
            "List a VM's ports",
            &[WHICH],
            get(
                &["/servers/{VM}/os-interface"],
                Answer::Many(
                    "interfaceAttachments",
                    columns! {
                        "MAC": "/mac_addr", "Address": "/fixed_ips/0/ip_address", "State": "/port_state", "Network": "/net_id",
                        "Port": "/port_id",
                    },
                ),
            ),
        ),
        call(
            "volumes",
            "List a VM's volumes",
            &[WHICH],
            get(
                &["/servers/{VM}/os-volume_attachments"],
                Answer::Many(
                    "volumeAttachments",
                    columns! {
                        "Device": "/device", "Goes with it": "/delete_on_termination", "Tag": "/tag" wide, "Volume": "/volumeId",
                    },
                ),
            ),
        ),
        call(
            "security-groups",
            "List a VM's security groups",
            &[WHICH],
            get(
                &["/servers/{VM}/os-security-groups"],
                Answer::Many(
                    "security_groups",
                    columns! { "Name": "/name", "Description": "/description", "Id": "/id" },
                ),
            ),
        ),
        call(
            "events",
            "List what was done to a VM",
            &[WHICH],
            get(
                &["/servers/{VM}/os-instance-actions"],
                Answer::Many(
                    "instanceActions",
                    columns! {
                        "Time": "/start_time", "Action": "/action", "Message": "/message", "User": "/user_id" wide, "Request": "/request_id",
                    },
                ),
            ),
        ),
        call(
            "properties",
            "Show a VM's properties",
            &[WHICH],
            get(&["/servers/{VM}/metadata"], Answer::Fields("metadata")),
        ),
        call(
            "set-property",
            "Set properties of a VM",
            &[WHICH, operand("KEY=VALUE", Kind::Pairs, "What to set").field("metadata")],
            Call {
                method: "POST",
                paths: &["/servers/{VM}/metadata"],
                body: Body::Said,
                answer: Answer::Fields("metadata"),
            },
        ),
        call(
            "unset-property",
            "Remove a property of a VM",
            &[WHICH, operand("KEY", Kind::Text, "Which")],
            bare("DELETE", &["/servers/{VM}/metadata/{KEY}"]),
        ),
        call(
            "tag",
            "Tag a VM",
            &[WHICH, operand("TAG", Kind::Text, "The tag")],
            bare("PUT", &["/servers/{VM}/tags/{TAG}"]),
        ),
        call(
            "untag",
            "Take a tag from a VM",
            &[WHICH, operand("TAG", Kind::Text, "The tag")],
            bare("DELETE", &["/servers/{VM}/tags/{TAG}"]),
        ),
    ],
};
