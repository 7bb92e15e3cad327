//! `cloudbox limit`: limits of projects and domains.

use super::region::REGION;
use super::resource::{
    Answer, Body, Call, DESCRIPTION, Kind, Resource, call, columns, delete, get, list, operand, opt, set, show,
};
use super::service::SERVICE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, DOMAIN, Noun, PROJECT, kind};

/// Limits.
pub static LIMIT: Noun =
    kind(("limit", "limit"), Service::Identity, ("/limits", "/limits"), ("limits", Some("limit")), ByName::No);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Resource": "/resource_name", "Limit": "/resource_limit", "Project": "/project_id", "Domain": "/domain_id" wide,
    "Service": "/service_id", "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &LIMIT,
    about: "Limits of projects and domains",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[
            opt("project", Kind::Ref(&PROJECT), "Only of this project").field("project_id"),
            opt("service", Kind::Ref(&SERVICE), "Only of this service").field("service_id"),
        ]),
        show(),
        call(
            "create",
            "Limit what a project or a domain may use",
            &[
                operand("RESOURCE", Kind::Text, "Of what: one that is registered").field("resource_name"),
                opt("limit", Kind::Number, "How much; -1 is without end").field("resource_limit").needed(),
                opt("service", Kind::Ref(&SERVICE), "The service that has it").field("service_id").needed(),
                opt("project", Kind::Ref(&PROJECT), "For this project").field("project_id"),
                opt("domain", Kind::Ref(&DOMAIN), "For this domain").field("domain_id"),
                opt("region", Kind::Ref(&REGION), "In this region").field("region_id"),
                DESCRIPTION,
            ],
            Call {
                method: "POST",
                paths: &["/limits"],
                body: Body::Several("limits"),
                answer: Answer::Only("limits", LIST),
            },
        ),
        set("PATCH", &[opt("limit", Kind::Number, "The limit").field("resource_limit"), DESCRIPTION]),
        delete(),
        call(
            "model",
            "Show how limits of projects below others are held",
            &[],
            get(&["/limits/model"], Answer::One("model", columns! { "Name": "/name", "Description": "/description" })),
        ),
    ],
};
