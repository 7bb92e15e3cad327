//! Policies.

use serde_json::{Value, json};

use super::with_extra;
use crate::domain::policy::Policy;

/// A policy below `collection`: `endpoints` where it was asked for as that of an endpoint, as Keystone has it.
pub(crate) fn policy(policy: &Policy, base: &str, collection: &str) -> Value {
    let known = json!({ "id": policy.id, "type": policy.kind, "blob": policy.blob });
    with_extra(known, &policy.extra, base, collection, &policy.id)
}
