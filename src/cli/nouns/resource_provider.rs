//! `cloudbox resource-provider`: what placement knows of a host: what it has, what is used of it and by whom.

use super::resource::{Answer, Arg, Kind, Resource, call, columns, get, list, operand, opt, show};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// Resource providers.
pub static RESOURCE_PROVIDER: Noun = kind(
    ("resource provider", "resource-provider"),
    Service::Placement,
    ("/resource_providers", "/resource_providers"),
    ("resource_providers", None),
    ByName::Exact,
);

const LIST: &[Column] = columns! { "Name": "/name", "Generation": "/generation", "Id": "/uuid" };
const WHICH: &[Arg] = &[operand("PROVIDER", Kind::Ref(&RESOURCE_PROVIDER), "Name or id")];

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &RESOURCE_PROVIDER,
    about: "Resource providers: what placement knows of a host",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("name", Kind::Text, "Only of this name")]),
        show(),
        call(
            "inventories",
            "Show what there is on a host",
            WHICH,
            get(&["/resource_providers/{PROVIDER}/inventories"], Answer::Fields("inventories")),
        ),
        call(
            "usages",
            "Show what is used of a host",
            WHICH,
            get(&["/resource_providers/{PROVIDER}/usages"], Answer::Fields("usages")),
        ),
        call(
            "traits",
            "List what a host can do",
            WHICH,
            get(&["/resource_providers/{PROVIDER}/traits"], Answer::Many("traits", columns! { "Trait": "" })),
        ),
        call(
            "allocations",
            "Show who uses a host",
            WHICH,
            get(&["/resource_providers/{PROVIDER}/allocations"], Answer::Fields("allocations")),
        ),
    ],
};
