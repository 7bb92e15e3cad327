//! `cloudbox registered-limit`: registered limits: what a project may use where it has no limit of its own.

use super::resource::{DESCRIPTION, Kind, Resource, columns, delete, list, opt, set, show};
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
        set("PATCH", &[opt("default", Kind::Number, "The limit").field("default_limit"), DESCRIPTION]),
        delete(),
    ],
};
