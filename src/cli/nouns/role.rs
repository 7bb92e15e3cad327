//! `cloudbox role`: roles, and who has them.

use super::group::GROUP;
use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, NAME, RENAME, Resource, bare, call, columns, create, delete, get, list,
    operand, opt, set, show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, DOMAIN, Noun, PROJECT, USER, kind};

/// Roles.
pub static ROLE: Noun =
    kind(("role", "role"), Service::Identity, ("/roles", "/roles"), ("roles", Some("role")), ByName::Exact);

use serde_json::Value;

use crate::cli::output::{Column, column, text};

const LIST: &[Column] =
    columns! { "Name": "/name", "Domain": "/domain_id", "Description": "/description", "Id": "/id" };
/// A role and those that come with it.
const INFERENCES: &[Column] = &[
    column("Role", |inference| text(inference, "/prior_role/name")),
    column("Brings", |inference| {
        let roles = inference.get("implies").and_then(Value::as_array).into_iter().flatten();
        roles.map(|role| text(role, "/name")).collect::<Vec<_>>().join(", ")
    }),
];
const IMPLIES: &[&str] = &["/roles/{ROLE}/implies/{IMPLIED}"];
const PAIR: &[Arg] = &[
    operand("ROLE", Kind::Ref(&ROLE), "The role"),
    operand("IMPLIED", Kind::Ref(&ROLE), "The one that comes with it"),
];
/// Who gets it, where.
const GRANT: &[Arg] = &[
    operand("ROLE", Kind::Ref(&ROLE), "The role"),
    opt("user", Kind::Ref(&USER), "To this user"),
    opt("group", Kind::Ref(&GROUP), "To this group"),
    opt("project", Kind::Ref(&PROJECT), "In this project"),
    opt("domain", Kind::Ref(&DOMAIN), "In this domain"),
    opt("system", Kind::Flag("\"system\""), "In the whole cloud"),
    opt("inherited", Kind::Flag("\"inherited_to_projects\""), "In the projects below, too"),
];
const PLACES: &[&str] = &[
    "/projects/{project}/users/{user}/roles/{ROLE}",
    "/projects/{project}/groups/{group}/roles/{ROLE}",
    "/domains/{domain}/users/{user}/roles/{ROLE}",
    "/domains/{domain}/groups/{group}/roles/{ROLE}",
    "/{system}/users/{user}/roles/{ROLE}",
    "/{system}/groups/{group}/roles/{ROLE}",
    "/OS-INHERIT/projects/{project}/users/{user}/roles/{ROLE}/{inherited}",
    "/OS-INHERIT/projects/{project}/groups/{group}/roles/{ROLE}/{inherited}",
    "/OS-INHERIT/domains/{domain}/users/{user}/roles/{ROLE}/{inherited}",
    "/OS-INHERIT/domains/{domain}/groups/{group}/roles/{ROLE}/{inherited}",
];

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ROLE,
    about: "Roles, and who has them",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[
            opt("domain", Kind::Ref(&DOMAIN), "Those of this domain [default: those of no domain]").field("domain_id")
        ]),
        show(),
        create(&[NAME, DESCRIPTION, opt("domain", Kind::Ref(&DOMAIN), "The domain").field("domain_id")]),
        set("PATCH", &[RENAME, DESCRIPTION]),
        delete(),
        call("grant", "Give a role to a user or a group", GRANT, bare("PUT", PLACES)),
        call("revoke", "Take a role from a user or a group", GRANT, bare("DELETE", PLACES)),
        call(
            "imply",
            "Let a role bring another one",
            PAIR,
            Call { method: "PUT", paths: IMPLIES, body: Body::None, answer: Answer::Nothing },
        ),
        call(
            "implied",
            "List the roles that bring others",
            &[],
            get(&["/role_inferences"], Answer::Many("role_inferences", INFERENCES)),
        ),
        call("unimply", "Let a role not bring another one any more", PAIR, bare("DELETE", IMPLIES)),
    ],
};
