//! `cloudbox volume-service`: volume services: what makes volumes, and where.

use super::resource::{Resource, columns, list};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Volume services.
pub static VOLUME_SERVICE: Noun = kind(
    ("volume service", "volume-service"),
    Service::Volume,
    ("/os-services", "/os-services"),
    ("services", Some("service")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &VOLUME_SERVICE,
    about: "Volume services: what makes volumes, and where",
    list: columns! {
        "Service": "/binary", "Host": "/host", "Status": "/status", "State": "/state", "Zone": "/zone", "Seen": "/updated_at" wide,
    },
    show: &[],
    verbs: &[list(&[])],
};
