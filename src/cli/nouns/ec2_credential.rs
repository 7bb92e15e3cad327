//! `cloudbox ec2-credential`: keys for clients that speak Amazon's protocols.

use super::resource::{Answer, Arg, Kind, Resource, bare, call, columns, create, get, list, operand, opt};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, PROJECT, kind};

/// EC2 credentials, which are called by their access keys.
pub static EC2_CREDENTIAL: Noun = kind(
    ("EC2 credential", "ec2-credential"),
    Service::Identity,
    ("/users/{user_id}/credentials/OS-EC2", "/users/{user_id}/credentials/OS-EC2"),
    ("credentials", Some("credential")),
    ByName::No,
);

const LIST: &[Column] = columns! { "Access": "/access", "Secret": "/secret", "Project": "/tenant_id" };
const WHICH: Arg = operand("ACCESS", Kind::Text, "Its access key");
const ONE: &[&str] = &["/users/{user_id}/credentials/OS-EC2/{ACCESS}"];

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &EC2_CREDENTIAL,
    about: "EC2 credentials: keys for clients that speak Amazon's protocols",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        call("show", "Show one", &[WHICH], get(ONE, Answer::One("credential", LIST))),
        create(&[opt("project", Kind::Ref(&PROJECT), "For this project").field("tenant_id").needed()]),
        call("delete", "Delete one", &[WHICH], bare("DELETE", ONE)),
    ],
};
