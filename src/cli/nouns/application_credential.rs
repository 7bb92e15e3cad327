//! `cloudbox application-credential`: application credentials: what programs of yours log in with.

use super::resource::{DESCRIPTION, Kind, NAME, Resource, columns, create, delete, list, opt, show};
use super::role::ROLE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Application credentials.
pub static APPLICATION_CREDENTIAL: Noun = kind(
    ("application credential", "application-credential"),
    Service::Identity,
    ("/users/{user_id}/application_credentials", "/users/{user_id}/application_credentials"),
    ("application_credentials", Some("application_credential")),
    ByName::Exact,
);

use serde_json::{Value, json};

/// `compute GET /v2.1/servers` as Keystone wants it.
fn access_rule(text: &str) -> Result<Value, String> {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [service, method, path] => Ok(json!({ "service": service, "method": method.to_uppercase(), "path": path })),
        _ => Err("expected a service, a method and a path: \"compute GET /v2.1/servers\"".to_owned()),
    }
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &APPLICATION_CREDENTIAL,
    about: "Application credentials: what programs of yours log in with",
    list: columns! {
        "Name": "/name", "Project": "/project_id", "Roles": "/roles/0/name" wide, "Ends": "/expires_at", "Id": "/id",
    },
    show: columns! {
        "Name": "/name", "Id": "/id", "Secret": "/secret", "Project": "/project_id", "Roles": "/roles", "Ends": "/expires_at",
        "Unrestricted": "/unrestricted", "Access rules": "/access_rules", "Description": "/description",
    },
    verbs: &[
        list(&[]),
        show(),
        create(&[
            NAME,
            DESCRIPTION,
            opt(
                "secret",
                Kind::Secret,
                "The secret, or - to read it [default: the cloud makes one, and tells it once]",
            ),
            opt(
                "role",
                Kind::RefObjects(&ROLE),
                "A role that it has; may be given more than once [default: all of yours]",
            )
            .field("roles"),
            opt("expires", Kind::Text, "When it ends: 2027-01-01T00:00:00").field("expires_at"),
            opt("unrestricted", Kind::Flag("true"), "Let it make application credentials and trusts"),
            opt(
                "access-rule",
                Kind::ParsedMany("SERVICE METHOD PATH", access_rule),
                "Let it do this only; may be given more than once",
            )
            .field("access_rules"),
        ]),
        delete(),
    ],
};
