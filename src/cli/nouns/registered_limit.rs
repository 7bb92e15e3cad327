//! `cloudbox registered-limit`: registered limits: what a project may use where it has no limit of its own.

use super::region::REGION;
use super::resource::{
    Answer, Body, Call, DESCRIPTION, Kind, Resource, call, columns, delete, list, operand, opt, set, show,
};
use super::service::SERVICE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Registered limits.
pub static REGISTERED_LIMIT: Noun = kind(
    ("registered limit", "registered-limit"),
    Service::Identity,
    ("/registered_limits", "/registered_limits"),
    ("registered_limits", Some("registered_limit")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Resource": "/resource_name", "Default": "/default_limit", "Service": "/service_id", "Region": "/region_id" wide, "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &REGISTERED_LIMIT,
    about: "Registered limits: what a project may use where it has no limit of its own",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("service", Kind::Ref(&SERVICE), "Only of this service").field("service_id")]),
        show(),
        call(
            "create",
            "Say what projects may use where they have no limit of their own",
            &[
                operand("RESOURCE", Kind::Text, "Of what: servers, class:VCPU, volumes, …").field("resource_name"),
                opt("default", Kind::Number, "How much; -1 is without end").field("default_limit").needed(),
                opt("service", Kind::Ref(&SERVICE), "The service that has it").field("service_id").needed(),
                opt("region", Kind::Ref(&REGION), "In this region").field("region_id"),
                DESCRIPTION,
            ],
            Call {
                method: "POST",
                paths: &["/registered_limits"],
                body: Body::Several("registered_limits"),
                answer: Answer::Only("registered_limits", LIST),
            },
        ),
        set("PATCH", &[opt("default", Kind::Number, "The limit").field("default_limit"), DESCRIPTION]),
        delete(),
    ],
};
