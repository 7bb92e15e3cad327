//! `cloudbox volume`: volumes: disks that outlive a VM.

use super::resource::{Answer, DESCRIPTION, Kind, RENAME, Resource, call, columns, get, opt, set};
use crate::cli::resolve::VOLUME;

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &VOLUME,
    about: "Volumes: disks that outlive a VM",
    list: &[],
    show: columns! { "Name": "/name", "Id": "/id", "Status": "/status", "Size": "/size", "Description": "/description" },
    verbs: &[
        set(
            "PUT",
            &[
                RENAME,
                DESCRIPTION,
                opt("property", Kind::Pairs, "All its properties from now on; may be given more than once")
                    .field("metadata"),
            ],
        ),
        call(
            "summary",
            "Count volumes and their size",
            &[opt("all-projects", Kind::Flag("true"), "Those of all projects").field("all_tenants")],
            get(&["/volumes/summary"], Answer::Fields("volume-summary")),
        ),
    ],
};
