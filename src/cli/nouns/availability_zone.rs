//! `cloudbox availability-zone`: availability zones.

use super::resource::{Resource, columns, list};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Availability zones.
pub static AVAILABILITY_ZONE: Noun = kind(
    ("availability zone", "availability-zone"),
    Service::Compute,
    ("/os-availability-zone", "/os-availability-zone"),
    ("availabilityZoneInfo", Some("availabilityZone")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &AVAILABILITY_ZONE,
    about: "Availability zones",
    list: columns! { "Zone": "/zoneName", "Available": "/zoneState/available" },
    show: &[],
    verbs: &[list(&[])],
};
