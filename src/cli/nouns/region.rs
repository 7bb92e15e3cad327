//! `cloudbox region`: regions of the catalog.

use super::resource::{DESCRIPTION, Kind, Resource, columns, create, delete, list, operand, opt, set, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Regions.
pub static REGION: Noun =
    kind(("region", "region"), Service::Identity, ("/regions", "/regions"), ("regions", Some("region")), ByName::No);

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Id": "/id", "Parent": "/parent_region_id", "Description": "/description" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &REGION,
    about: "Regions of the catalog",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        show(),
        create(&[
            operand("ID", Kind::Text, "What it shall be called").field("id"),
            DESCRIPTION,
            opt("parent", Kind::Ref(&REGION), "The region above it").field("parent_region_id"),
        ]),
        set(
            "PATCH",
            &[DESCRIPTION, opt("parent", Kind::Ref(&REGION), "The region above it").field("parent_region_id")],
        ),
        delete(),
    ],
};
