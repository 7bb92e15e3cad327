//! `cloudbox service-provider`: service providers: other clouds that users of this one may log in to.

use super::resource::{Resource, columns, delete, list, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Service providers.
pub static SERVICE_PROVIDER: Noun = kind(
    ("service provider", "service-provider"),
    Service::Identity,
    ("/OS-FEDERATION/service_providers", "/OS-FEDERATION/service_providers"),
    ("service_providers", Some("service_provider")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Id": "/id", "Enabled": "/enabled", "Auth URL": "/auth_url", "SP URL": "/sp_url" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SERVICE_PROVIDER,
    about: "Service providers: other clouds that users of this one may log in to",
    list: LIST,
    show: LIST,
    verbs: &[list(&[]), show(), delete()],
};
