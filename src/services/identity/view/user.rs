//! Users.

use kit::Timestamp;
use kit::time::micros_naive;
use serde_json::{Value, json};

use super::{put, with_extra};
use crate::domain::user::{Account, User};

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

/// A user with who it is at identity providers, where it is anybody: shown by itself, not in lists.
pub(crate) fn with_accounts(it: &User, accounts: &[Account], base: &str) -> Value {
    let mut shown = user(it, base);
    let mut providers = Vec::<(&str, Vec<Value>)>::new();
    for Account { idp_id, protocol_id, unique_id } in accounts {
        let protocol = json!({ "protocol_id": protocol_id, "unique_id": unique_id });
        match providers.last_mut().filter(|(id, _)| id == idp_id) {
            Some((_, protocols)) => protocols.push(protocol),
            None => providers.push((idp_id, vec![protocol])),
        }
    }
    if !providers.is_empty() {
        let provider = |(id, protocols): (&str, Vec<Value>)| json!({ "idp_id": id, "protocols": protocols });
        put(&mut shown, "federated", providers.into_iter().map(provider).collect());
    }
    shown
}

/// When a password ends, as users and tokens show it: without a zone.
pub(crate) fn password_end(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(micros_naive(at)))
}
