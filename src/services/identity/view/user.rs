//! Users.

use kit::Timestamp;
use kit::time::micros_naive;
use serde_json::{Value, json};

use super::{put, with_extra};
use crate::domain::user::User;

/// A user. A default project is shown only where there is one.
pub(crate) fn user(user: &User, base: &str) -> Value {
    let mut known = json!({
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": password_end(user.password_expires_at),
        "options": user.options,
    });
    if let Some(project) = &user.default_project_id {
        put(&mut known, "default_project_id", json!(project));
    }
    with_extra(known, &user.extra, base, "users", &user.id)
}

/// When a password ends, as users and tokens show it: without a zone.
pub(crate) fn password_end(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(micros_naive(at)))
}
