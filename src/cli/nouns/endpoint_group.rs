//! `cloudbox endpoint-group`: endpoints that projects' own catalogs show together.

use super::resource::{
    Answer, Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, bare, call, columns, create, delete, get, list, operand,
    opt, set, show,
};
use super::{endpoint, project};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, PROJECT, kind};

/// Endpoint groups.
pub static ENDPOINT_GROUP: Noun = kind(
    ("endpoint group", "endpoint-group"),
    Service::Identity,
    ("/OS-EP-FILTER/endpoint_groups", "/OS-EP-FILTER/endpoint_groups"),
    ("endpoint_groups", Some("endpoint_group")),
    ByName::Exact,
);

const LIST: &[Column] = columns! { "Name": "/name", "Filters": "/filters", "Description": "/description", "Id": "/id" };
const WHICH: Arg = operand("GROUP", Kind::Ref(&ENDPOINT_GROUP), "Name or id");
const FOR: &[Arg] = &[WHICH, operand("PROJECT", Kind::Ref(&PROJECT), "The project")];
const SHOWN: &[&str] = &["/OS-EP-FILTER/endpoint_groups/{GROUP}/projects/{PROJECT}"];
const FILTER: Arg = opt(
    "match",
    Kind::Pairs,
    "What its endpoints are like: interface=public, service_id=…, region_id=…; may be given more than once",
)
.field("filters");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ENDPOINT_GROUP,
    about: "Endpoint groups: what the catalogs of projects show together",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        show(),
        create(&[NAME, FILTER.needed(), DESCRIPTION]),
        set("PATCH", &[RENAME, FILTER, DESCRIPTION]),
        delete(),
        call("add-project", "Show its endpoints in a project's own catalog", FOR, bare("PUT", SHOWN)),
        call("remove-project", "Leave its endpoints out of a project's own catalog", FOR, bare("DELETE", SHOWN)),
        call(
            "projects",
            "List the projects whose own catalog shows it",
            &[WHICH],
            get(&["/OS-EP-FILTER/endpoint_groups/{GROUP}/projects"], Answer::Many("projects", project::LIST)),
        ),
        call(
            "endpoints",
            "List its endpoints",
            &[WHICH],
            get(&["/OS-EP-FILTER/endpoint_groups/{GROUP}/endpoints"], Answer::Many("endpoints", endpoint::LIST)),
        ),
    ],
};
