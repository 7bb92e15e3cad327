//! `cloudbox mapping`: mappings: what makes users of this cloud of those of a provider.

use super::resource::{
    Answer, Arg, Body, Call, Kind, Resource, call, columns, delete, json_file, list, operand, opt, set, show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Mappings.
pub static MAPPING: Noun = kind(
    ("mapping", "mapping"),
    Service::Identity,
    ("/OS-FEDERATION/mappings", "/OS-FEDERATION/mappings"),
    ("mappings", Some("mapping")),
    ByName::No,
);

use crate::cli::output::Column;
const SHOW: &[Column] = columns! { "Id": "/id", "Version": "/schema_version", "Rules": "/rules" };
const RULES: Arg = opt("rules", Kind::Parsed("FILE", json_file), "A file with the rules as JSON");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &MAPPING,
    about: "Mappings: what makes users of this cloud of those of a provider",
    list: columns! { "Id": "/id", "Version": "/schema_version" },
    show: SHOW,
    verbs: &[
        list(&[]),
        show(),
        call(
            "create",
            "Create one",
            &[operand("ID", Kind::Text, "What it shall be called"), RULES.needed()],
            Call {
                method: "PUT",
                paths: &["/OS-FEDERATION/mappings/{ID}"],
                body: Body::Under("mapping"),
                answer: Answer::One("mapping", SHOW),
            },
        ),
        set("PATCH", &[RULES]),
        delete(),
    ],
};
