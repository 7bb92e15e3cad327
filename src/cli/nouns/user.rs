//! `cloudbox user`: users.

use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, NAME, RENAME, Resource, call, columns, create, delete, get, list,
    operand, opt, set, show,
};
use crate::cli::resolve::{DOMAIN, PROJECT, USER};

use super::{group, project};

const WHO: Arg = operand("USER", Kind::Ref(&USER), "Name or id");
const PASSWORD: Arg = opt("password", Kind::Secret, "The password, or - to read it from standard input");
const MAIL: Arg = opt("email", Kind::Text, "The mail address");
const HOME: Arg =
    opt("project", Kind::Ref(&PROJECT), "The project that is meant where none is named").field("default_project_id");
const IN_DOMAIN: Arg = opt("domain", Kind::Ref(&DOMAIN), "The domain").field("domain_id");
const ON: Arg = opt("enable", Kind::Flag("true"), "May log in").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "May not log in").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &USER,
    about: "Users",
    list: columns! {
        "Name": "/name", "Enabled": "/enabled", "Domain": "/domain_id", "Email": "/email" wide,
        "Default project": "/default_project_id" wide, "Password ends": "/password_expires_at" wide, "Id": "/id",
    },
    show: columns! {
        "Name": "/name", "Id": "/id", "Enabled": "/enabled", "Domain": "/domain_id", "Email": "/email",
        "Description": "/description", "Default project": "/default_project_id", "Password ends": "/password_expires_at",
        "Options": "/options",
    },
    verbs: &[
        list(&[
            opt("domain", Kind::Ref(&DOMAIN), "Only of this domain").field("domain_id"),
            opt("enabled", Kind::Choice(&["true", "false"]), "Only those that can log in, or cannot"),
        ]),
        show(),
        create(&[NAME, PASSWORD, MAIL, DESCRIPTION, IN_DOMAIN, HOME, ON, OFF]),
        set("PATCH", &[RENAME, PASSWORD, MAIL, DESCRIPTION, HOME, ON, OFF]),
        delete(),
        call(
            "groups",
            "List a user's groups",
            &[WHO],
            get(&["/users/{USER}/groups"], Answer::Many("groups", group::LIST)),
        ),
        call(
            "projects",
            "List a user's projects",
            &[WHO],
            get(&["/users/{USER}/projects"], Answer::Many("projects", project::LIST)),
        ),
        call(
            "password",
            "Change a user's password, knowing the old one",
            &[
                WHO,
                opt("old", Kind::Secret, "The old one, or - to read it").field("original_password").needed(),
                opt("new", Kind::Secret, "The new one, or - to read it").field("password").needed(),
            ],
            Call {
                method: "POST",
                paths: &["/users/{USER}/password"],
                body: Body::Under("user"),
                answer: Answer::Nothing,
            },
        ),
    ],
};
