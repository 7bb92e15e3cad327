//! `cloudbox extension`: extensions of the network API.

use super::resource::{Answer, Kind, Resource, call, columns, get, list, operand};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// Extensions, which are called by their aliases.
pub static EXTENSION: Noun = kind(
    ("extension", "extension"),
    Service::Network,
    ("/extensions", "/extensions"),
    ("extensions", Some("extension")),
    ByName::No,
);

const LIST: &[Column] = columns! { "Alias": "/alias", "Name": "/name", "Description": "/description" wide };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &EXTENSION,
    about: "Extensions of the network API",
    list: LIST,
    show: &[],
    verbs: &[
        list(&[]),
        call(
            "show",
            "Show one",
            &[operand("ALIAS", Kind::Text, "Its alias")],
            get(
                &["/extensions/{ALIAS}"],
                Answer::One(
                    "extension",
                    columns! { "Alias": "/alias", "Name": "/name", "Description": "/description", "Updated": "/updated" },
                ),
            ),
        ),
    ],
};
