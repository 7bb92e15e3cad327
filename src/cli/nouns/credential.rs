//! `cloudbox credential`: credentials: TOTP secrets and EC2 keys.

use super::resource::{Kind, Resource, columns, create, delete, list, operand, opt, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, PROJECT, USER, kind};

/// Credentials.
pub static CREDENTIAL: Noun = kind(
    ("credential", "credential"),
    Service::Identity,
    ("/credentials", "/credentials"),
    ("credentials", Some("credential")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &CREDENTIAL,
    about: "Credentials: TOTP secrets and EC2 keys",
    list: columns! { "Type": "/type", "User": "/user_id", "Project": "/project_id", "Id": "/id" },
    show: columns! { "Id": "/id", "Type": "/type", "User": "/user_id", "Project": "/project_id", "Blob": "/blob" },
    verbs: &[
        list(&[
            opt("user", Kind::Ref(&USER), "Only of this user").field("user_id"),
            opt("type", Kind::Text, "Only of this type"),
        ]),
        show(),
        create(&[
            operand("USER", Kind::Ref(&USER), "Whose").field("user_id"),
            opt("type", Kind::Text, "What it is: totp, ec2, cert, …").needed(),
            opt("blob", Kind::Secret, "The secret itself, or - to read it").needed(),
            opt("project", Kind::Ref(&PROJECT), "For which project").field("project_id"),
        ]),
        delete(),
    ],
};
