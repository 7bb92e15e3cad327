//! `cloudbox project`: projects.

use super::resource::{
    Answer, Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, bare, call, columns, create, delete, get, list, operand,
    opt, set, show,
};
use crate::cli::resolve::{DOMAIN, PROJECT};

use crate::cli::output::Column;

/// What a list of projects shows.
pub(super) const LIST: &[Column] = columns! {
    "Name": "/name", "Enabled": "/enabled", "Domain": "/domain_id", "Parent": "/parent_id" wide, "Tags": "/tags" wide,
    "Description": "/description", "Id": "/id",
};
const ON: Arg = opt("enable", Kind::Flag("true"), "Let its users log in").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Let nobody log in to it").field("enabled");

const TAG: &[&str] = &["/projects/{PROJECT}/tags/{TAG}"];
const TAGGED: &[Arg] = &[operand("PROJECT", Kind::Ref(&PROJECT), "Name or id"), operand("TAG", Kind::Text, "The tag")];

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &PROJECT,
    about: "Projects",
    list: LIST,
    show: columns! {
        "Name": "/name", "Id": "/id", "Enabled": "/enabled", "Domain": "/domain_id", "Parent": "/parent_id",
        "Description": "/description", "Tags": "/tags", "Options": "/options",
    },
    verbs: &[
        list(&[
            opt("domain", Kind::Ref(&DOMAIN), "Only of this domain").field("domain_id"),
            opt("parent", Kind::Ref(&PROJECT), "Only those right below this one").field("parent_id"),
            opt("tags", Kind::Text, "Only with all of these tags: a,b"),
        ]),
        show(),
        create(&[
            NAME,
            DESCRIPTION,
            opt("domain", Kind::Ref(&DOMAIN), "The domain").field("domain_id"),
            opt("parent", Kind::Ref(&PROJECT), "The project above it").field("parent_id"),
            opt("tag", Kind::Texts, "A tag; may be given more than once").field("tags"),
            ON,
            OFF,
        ]),
        set("PATCH", &[RENAME, DESCRIPTION, opt("tag", Kind::Texts, "Its tags from now on").field("tags"), ON, OFF]),
        delete(),
        call("tag", "Tag a project", TAGGED, bare("PUT", TAG)),
        call("untag", "Take a tag from a project", TAGGED, bare("DELETE", TAG)),
        call(
            "mine",
            "List the projects that you may work in",
            &[],
            get(&["/auth/projects"], Answer::Many("projects", LIST)),
        ),
    ],
};
