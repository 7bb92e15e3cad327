//! `cloudbox endpoint`: endpoints: where the services of the catalog are.

use super::project;
use super::region::REGION;
use super::resource::{
    Answer, Arg, Kind, Resource, bare, call, columns, create, delete, get, list, operand, opt, set, show,
};
use super::service::SERVICE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, PROJECT, kind};

/// Endpoints.
pub static ENDPOINT: Noun = kind(
    ("endpoint", "endpoint"),
    Service::Identity,
    ("/endpoints", "/endpoints"),
    ("endpoints", Some("endpoint")),
    ByName::No,
);

use crate::cli::output::Column;

/// What a list of endpoints shows.
pub(super) const LIST: &[Column] = columns! {
    "Service": "/service_id", "Interface": "/interface", "URL": "/url", "Region": "/region_id", "Enabled": "/enabled",
    "Id": "/id",
};
const WHICH: Arg = operand("ENDPOINT", Kind::Ref(&ENDPOINT), "Its id");
const FOR: &[Arg] = &[WHICH, operand("PROJECT", Kind::Ref(&PROJECT), "The project")];
const SHOWN: &[&str] = &["/OS-EP-FILTER/projects/{PROJECT}/endpoints/{ENDPOINT}"];
const INTERFACE: Kind = Kind::Choice(&["public", "internal", "admin"]);
const ON: Arg = opt("enable", Kind::Flag("true"), "Show it in the catalog").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Leave it out of the catalog").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ENDPOINT,
    about: "Endpoints: where the services of the catalog are",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[
            opt("service", Kind::Ref(&SERVICE), "Only of this service").field("service_id"),
            opt("interface", INTERFACE, "Only this one"),
            opt("region", Kind::Ref(&REGION), "Only in this region").field("region_id"),
        ]),
        show(),
        create(&[
            operand("SERVICE", Kind::Ref(&SERVICE), "The service's name or id").field("service_id"),
            operand("INTERFACE", INTERFACE, "For whom").field("interface"),
            operand("URL", Kind::Text, "Where").field("url"),
            opt("region", Kind::Ref(&REGION), "The region").field("region_id"),
            ON,
            OFF,
        ]),
        set(
            "PATCH",
            &[
                opt("url", Kind::Text, "Where"),
                opt("interface", INTERFACE, "For whom"),
                opt("region", Kind::Ref(&REGION), "The region").field("region_id"),
                ON,
                OFF,
            ],
        ),
        delete(),
        call("add-project", "Show it in the catalog of a project that has its own", FOR, bare("PUT", SHOWN)),
        call("remove-project", "Leave it out of the catalog of a project that has its own", FOR, bare("DELETE", SHOWN)),
        call(
            "projects",
            "List the projects whose own catalog shows it",
            &[WHICH],
            get(&["/OS-EP-FILTER/endpoints/{ENDPOINT}/projects"], Answer::Many("projects", project::LIST)),
        ),
    ],
};
