//! `cloudbox consumer`: OAuth consumers: programs that users let act for them.

use super::resource::{
    Answer, Body, Call, DESCRIPTION, Kind, Resource, call, columns, create, delete, list, operand, opt, set, show,
};
use super::role::ROLE;
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// OAuth consumers.
pub static CONSUMER: Noun = kind(
    ("consumer", "consumer"),
    Service::Identity,
    ("/OS-OAUTH1/consumers", "/OS-OAUTH1/consumers"),
    ("consumers", Some("consumer")),
    ByName::No,
);

const LIST: &[Column] = columns! { "Id": "/id", "Description": "/description" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &CONSUMER,
    about: "OAuth consumers: programs that users let act for them",
    list: LIST,
    show: columns! { "Id": "/id", "Secret": "/secret", "Description": "/description" },
    verbs: &[
        list(&[]),
        show(),
        create(&[DESCRIPTION]),
        set("PATCH", &[DESCRIPTION.needed()]),
        delete(),
        call(
            "authorize",
            "Let a consumer have what it has asked for; it wants the verifier that is shown",
            &[
                operand("REQUEST", Kind::Text, "The id of its request token"),
                opt("role", Kind::RefObjects(&ROLE), "A role that it gets; may be given more than once")
                    .field("roles")
                    .needed(),
            ],
            Call {
                method: "PUT",
                paths: &["/OS-OAUTH1/authorize/{REQUEST}"],
                body: Body::Said,
                answer: Answer::One("token", columns! { "Verifier": "/oauth_verifier" }),
            },
        ),
    ],
};
