//! Identity's records as Keystone's JSON. `base` is the service's public URL, with its version.
//!
//! Attributes that Keystone does not know are answered beside those that it does, as they were stored.

pub(crate) mod application_credential;
pub(crate) mod catalog;
pub(crate) mod credential;
pub(crate) mod domain_config;
pub(crate) mod endpoint_group;
pub(crate) mod federation;
pub(crate) mod group;
pub(crate) mod limit;
pub(crate) mod oauth1;
pub(crate) mod policy;
pub(crate) mod project;
pub(crate) mod revocation;
pub(crate) mod role;
pub(crate) mod role_assignment;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod user;

use serde_json::{Value, json};

use crate::domain::Object;

/// Puts `item` into the object `value`.
pub(crate) fn put(value: &mut Value, name: &str, item: Value) {
    if let Value::Object(object) = value {
        object.insert(name.to_owned(), item);
    }
}

/// `known`, with what is in `extra` beside it and the link to itself.
fn with_extra(known: Value, extra: &Object, base: &str, collection: &str, id: &str) -> Value {
    let mut object = extra.clone();
    if let Value::Object(known) = known {
        object.extend(known);
    }
    object.insert("links".to_owned(), json!({ "self": format!("{base}/{collection}/{id}") }));
    Value::Object(object)
}
