//! `cloudbox compute-service`: compute services: what makes VMs, and where.

use super::resource::{Answer, Arg, Body, Call, Kind, Resource, call, columns, list, operand, opt};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Compute services.
pub static COMPUTE_SERVICE: Noun = kind(
    ("compute service", "compute-service"),
    Service::Compute,
    ("/os-services", "/os-services"),
    ("services", Some("service")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Service": "/binary", "Host": "/host", "Status": "/status", "State": "/state", "Zone": "/zone",
    "Reason": "/disabled_reason" wide, "Seen": "/updated_at" wide, "Id": "/id",
};
const WHICH: Arg = operand("ID", Kind::Text, "Its id");
const PATHS: &[&str] = &["/os-services/{ID}"];

/// A change that needs no more than to be asked for.
const fn change(body: &'static str) -> Call {
    Call { method: "PUT", paths: PATHS, body: Body::Fixed(body), answer: Answer::One("service", LIST) }
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &COMPUTE_SERVICE,
    about: "Compute services: what makes VMs, and where",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("host", Kind::Text, "Only on this host")]),
        call("enable", "Let new VMs come to a host", &[WHICH], change(r#"{"status": "enabled"}"#)),
        call(
            "force-down",
            "Say that a host is down: it is not waited for",
            &[WHICH],
            change(r#"{"forced_down": true}"#),
        ),
        call("unforce-down", "Let a host say itself that it is up", &[WHICH], change(r#"{"forced_down": false}"#)),
        call(
            "disable",
            "Let no new VM come to a host",
            &[
                WHICH,
                opt("reason", Kind::Text, "Why").field("disabled_reason"),
                opt("status", Kind::Flag("\"disabled\""), "").hidden(),
            ],
            Call { method: "PUT", paths: PATHS, body: Body::Said, answer: Answer::One("service", LIST) },
        ),
    ],
};
