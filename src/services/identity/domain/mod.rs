//! What identity knows and decides: its records, and how a request's attributes become and change them. No I/O.

pub(crate) mod application_credential;
pub(crate) mod assignment;
pub(crate) mod attributes;
pub(crate) mod catalog;
pub(crate) mod credential;
pub(crate) mod domain_config;
pub(crate) mod endpoint_group;
pub(crate) mod expiry;
pub(crate) mod federation;
pub(crate) mod group;
pub(crate) mod limit;
pub(crate) mod login;
pub(crate) mod mapping;
pub(crate) mod multi_factor;
pub(crate) mod oauth1;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod project;
pub(crate) mod revocation;
pub(crate) mod role;
pub(crate) mod signature;
pub(crate) mod totp;
pub(crate) mod trust;
pub(crate) mod user;

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The id of the domain that things belong to where nobody says otherwise.
pub(crate) const DEFAULT_DOMAIN: &str = "default";
