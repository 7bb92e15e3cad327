//! `cloudbox service`: services of the catalog.

use super::resource::{
    Arg, DESCRIPTION, Kind, RENAME, Resource, columns, create, delete, list, operand, opt, set, show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Services.
pub static SERVICE: Noun = kind(
    ("service", "service"),
    Service::Identity,
    ("/services", "/services"),
    ("services", Some("service")),
    ByName::Exact,
)
.called(&["/type"]);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Name": "/name", "Type": "/type", "Enabled": "/enabled", "Description": "/description", "Id": "/id",
};
const ON: Arg = opt("enable", Kind::Flag("true"), "Show it in the catalog").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Leave it out of the catalog").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SERVICE,
    about: "Services of the catalog",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("type", Kind::Text, "Only of this type")]),
        show(),
        create(&[
            operand("TYPE", Kind::Text, "What it is: compute, object-store, …").field("type"),
            opt("name", Kind::Text, "What it shall be called"),
            DESCRIPTION,
            ON,
            OFF,
        ]),
        set("PATCH", &[opt("type", Kind::Text, "What it is"), RENAME, DESCRIPTION, ON, OFF]),
        delete(),
    ],
};
