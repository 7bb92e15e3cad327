//! Groups.

use serde_json::{Value, json};

use super::{put, with_extra};
use crate::domain::group::Group;

/// A group.
pub(crate) fn group(group: &Group, base: &str) -> Value {
    let known = json!({
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
    });
    with_extra(known, &group.extra, base, "groups", &group.id)
}

/// A group among those of a user; a membership of ours does not expire.
pub(crate) fn membership(group: &Group, base: &str) -> Value {
    let mut value = self::group(group, base);
    put(&mut value, "membership_expires_at", Value::Null);
    value
}
