//! `cloudbox group`: groups of users.

use super::resource::{
    Answer, Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, bare, call, columns, create, delete, get, list, operand,
    opt, set, show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, DOMAIN, Noun, USER, kind};

/// Groups.
pub static GROUP: Noun =
    kind(("group", "group"), Service::Identity, ("/groups", "/groups"), ("groups", Some("group")), ByName::Exact);

use crate::cli::output::Column;

/// What a list of groups shows.
pub(super) const LIST: &[Column] =
    columns! { "Name": "/name", "Domain": "/domain_id", "Description": "/description", "Id": "/id" };
const USERS: &[Column] = columns! { "Name": "/name", "Enabled": "/enabled", "Domain": "/domain_id", "Id": "/id" };
const WHICH: Arg = operand("GROUP", Kind::Ref(&GROUP), "The group's name or id");
const WHO: Arg = operand("USER", Kind::Ref(&USER), "The user's name or id");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &GROUP,
    about: "Groups of users",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("domain", Kind::Ref(&DOMAIN), "Only of this domain").field("domain_id")]),
        show(),
        create(&[NAME, DESCRIPTION, opt("domain", Kind::Ref(&DOMAIN), "The domain").field("domain_id")]),
        set("PATCH", &[RENAME, DESCRIPTION]),
        delete(),
        call("users", "List a group's users", &[WHICH], get(&["/groups/{GROUP}/users"], Answer::Many("users", USERS))),
        call("add-user", "Take a user in", &[WHICH, WHO], bare("PUT", &["/groups/{GROUP}/users/{USER}"])),
        call("remove-user", "Put a user out", &[WHICH, WHO], bare("DELETE", &["/groups/{GROUP}/users/{USER}"])),
    ],
};
