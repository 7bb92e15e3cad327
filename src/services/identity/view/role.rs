//! Roles, and what they imply.

use serde_json::{Value, json};

use super::with_extra;
use crate::domain::role::Role;

/// A role.
pub(crate) fn role(role: &Role, base: &str) -> Value {
    let known = json!({
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": role.options,
    });
    with_extra(known, &role.extra, base, "roles", &role.id)
}

/// A role, as far as an inference tells of it.
pub(crate) fn brief(role: &Role, base: &str) -> Value {
    json!({ "id": role.id, "name": role.name, "links": { "self": format!("{base}/roles/{}", role.id) } })
}
