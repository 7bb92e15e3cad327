//! `cloudbox volume-type`: volume types.

use super::resource::{Answer, Resource, call, columns, get, list, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Volume types.
pub static VOLUME_TYPE: Noun = kind(
    ("volume type", "volume-type"),
    Service::Volume,
    ("/types", "/types"),
    ("volume_types", Some("volume_type")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Name": "/name", "Public": "/is_public", "Description": "/description", "Properties": "/extra_specs" wide, "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &VOLUME_TYPE,
    about: "Volume types",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        show(),
        call(
            "default",
            "Show the type of volumes that are not told one",
            &[],
            get(&["/types/default"], Answer::One("volume_type", LIST)),
        ),
    ],
};
