//! `cloudbox mapping`: mappings: what makes users of this cloud of those of a provider.

use super::resource::{Answer, Arg, Body, Call, Kind, Resource, call, columns, delete, list, operand, opt, set, show};
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
use serde_json::Value;

const SHOW: &[Column] = columns! { "Id": "/id", "Version": "/schema_version", "Rules": "/rules" };
const RULES: Arg = opt("rules", Kind::Parsed("FILE", rules), "A file with the rules as JSON");

fn rules(path: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))
}

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
