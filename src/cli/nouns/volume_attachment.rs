//! `cloudbox volume-attachment`: attachments of volumes.

use super::resource::{Kind, Resource, columns, list, opt, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Volume attachments.
pub static VOLUME_ATTACHMENT: Noun = kind(
    ("volume attachment", "volume-attachment"),
    Service::Volume,
    ("/attachments/detail", "/attachments"),
    ("attachments", Some("attachment")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &VOLUME_ATTACHMENT,
    about: "Attachments of volumes",
    list: columns! { "Volume": "/volume_id", "VM": "/instance", "Status": "/status", "Mode": "/attach_mode", "Id": "/id" },
    show: columns! {
        "Id": "/id", "Volume": "/volume_id", "VM": "/instance", "Status": "/status", "Mode": "/attach_mode",
        "Attached": "/attached_at", "Detached": "/detached_at",
    },
    verbs: &[list(&[opt("all-projects", Kind::Flag("1"), "Those of all projects").field("all_tenants")]), show()],
};
