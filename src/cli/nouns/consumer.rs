//! `cloudbox consumer`: OAuth consumers: programs that users let act for them.

use super::resource::{DESCRIPTION, Resource, columns, create, delete, list, set, show};
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
    verbs: &[list(&[]), show(), create(&[DESCRIPTION]), set("PATCH", &[DESCRIPTION.needed()]), delete()],
};
