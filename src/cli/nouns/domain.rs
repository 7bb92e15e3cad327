//! `cloudbox domain`: domains: users, groups and projects that belong together.

use super::resource::{Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, columns, create, delete, list, opt, set, show};
use crate::cli::resolve::DOMAIN;

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Name": "/name", "Enabled": "/enabled", "Description": "/description", "Id": "/id" };
const ON: Arg = opt("enable", Kind::Flag("true"), "Let its users log in").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Let nobody log in; it can be deleted then").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &DOMAIN,
    about: "Domains: users, groups and projects that belong together",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        show(),
        create(&[NAME, DESCRIPTION, ON, OFF]),
        set("PATCH", &[RENAME, DESCRIPTION, ON, OFF]),
        delete(),
    ],
};
