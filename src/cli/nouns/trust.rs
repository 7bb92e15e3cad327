//! `cloudbox trust`: trusts: what somebody may do in your name.

use super::resource::{Kind, Resource, columns, create, delete, list, operand, opt, show};
use super::role::ROLE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, PROJECT, USER, kind};

/// Trusts.
pub static TRUST: Noun = kind(
    ("trust", "trust"),
    Service::Identity,
    ("/OS-TRUST/trusts", "/OS-TRUST/trusts"),
    ("trusts", Some("trust")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &TRUST,
    about: "Trusts: what somebody may do in your name",
    list: columns! {
        "Trustor": "/trustor_user_id", "Trustee": "/trustee_user_id", "Project": "/project_id", "Ends": "/expires_at", "Id": "/id",
    },
    show: columns! {
        "Id": "/id", "Trustor": "/trustor_user_id", "Trustee": "/trustee_user_id", "Project": "/project_id", "Roles": "/roles",
        "Impersonation": "/impersonation", "Ends": "/expires_at", "Uses left": "/remaining_uses",
        "Redelegations left": "/redelegation_count",
    },
    verbs: &[
        list(&[
            opt("trustor", Kind::Ref(&USER), "Only of this user").field("trustor_user_id"),
            opt("trustee", Kind::Ref(&USER), "Only for this user").field("trustee_user_id"),
        ]),
        show(),
        create(&[
            operand("TRUSTOR", Kind::Ref(&USER), "Whose rights: you").field("trustor_user_id"),
            operand("TRUSTEE", Kind::Ref(&USER), "Who gets them").field("trustee_user_id"),
            opt("project", Kind::Ref(&PROJECT), "In this project").field("project_id").needed(),
            opt("role", Kind::RefObjects(&ROLE), "A role; may be given more than once").field("roles").needed(),
            opt("impersonate", Kind::Flag("true"), "In your name").field("impersonation"),
            opt("no-impersonate", Kind::Flag("false"), "In their own name").field("impersonation"),
            opt("expires", Kind::Text, "When it ends: 2027-01-01T00:00:00.000000Z").field("expires_at"),
            opt("uses", Kind::Number, "How often it can be used").field("remaining_uses"),
        ]),
        delete(),
    ],
};
