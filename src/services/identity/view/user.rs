//! Users.

use serde_json::{Value, json};

use super::{put, with_extra};
use crate::domain::user::User;

/// A user. Passwords never expire here, and a default project is shown only where there is one.
pub(crate) fn user(user: &User, base: &str) -> Value {
    let mut known = json!({
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": null,
        "options": user.options,
    });
    if let Some(project) = &user.default_project_id {
        put(&mut known, "default_project_id", json!(project));
    }
    with_extra(known, &user.extra, base, "users", &user.id)
}
