//! `cloudbox access-rule`: access rules of your application credentials.

use super::resource::{Resource, columns, delete, list, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Access rules.
pub static ACCESS_RULE: Noun = kind(
    ("access rule", "access-rule"),
    Service::Identity,
    ("/users/{user_id}/access_rules", "/users/{user_id}/access_rules"),
    ("access_rules", Some("access_rule")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Service": "/service", "Method": "/method", "Path": "/path", "Id": "/id" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ACCESS_RULE,
    about: "Access rules of your application credentials",
    list: LIST,
    show: LIST,
    verbs: &[list(&[]), show(), delete()],
};
