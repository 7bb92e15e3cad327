//! `cloudbox limit`: limits of projects and domains.

use super::resource::{DESCRIPTION, Kind, Resource, columns, delete, list, opt, set, show};
use super::service::SERVICE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, PROJECT, kind};

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
        set("PATCH", &[opt("limit", Kind::Number, "The limit").field("resource_limit"), DESCRIPTION]),
        delete(),
    ],
};
