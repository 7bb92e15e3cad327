//! `cloudbox security-group`: security groups: what may reach VMs.

use super::resource::{DESCRIPTION, RENAME, Resource, columns, set};
use crate::cli::resolve::SECURITY_GROUP;

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SECURITY_GROUP,
    about: "Security groups: what may reach VMs",
    list: &[],
    show: columns! { "Name": "/name", "Id": "/id", "Description": "/description", "Stateful": "/stateful" },
    verbs: &[set("PUT", &[RENAME, DESCRIPTION])],
};
