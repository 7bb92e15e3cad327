//! `cloudbox access-token`: what you let OAuth consumers do.

use super::resource::{Resource, columns, delete, list, show};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// OAuth access tokens.
pub static ACCESS_TOKEN: Noun = kind(
    ("access token", "access-token"),
    Service::Identity,
    ("/users/{user_id}/OS-OAUTH1/access_tokens", "/users/{user_id}/OS-OAUTH1/access_tokens"),
    ("access_tokens", Some("access_token")),
    ByName::No,
);

const LIST: &[Column] =
    columns! { "Id": "/id", "Consumer": "/consumer_id", "Project": "/project_id", "Ends": "/expires_at" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ACCESS_TOKEN,
    about: "OAuth access tokens: what you let consumers do",
    list: LIST,
    show: LIST,
    verbs: &[list(&[]), show(), delete()],
};
