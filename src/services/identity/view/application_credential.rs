//! Application credentials and access rules.

use kit::time::micros_naive;
use kit::{AccessRule, Secret};
use serde_json::{Value, json};

use super::put;
use crate::domain::application_credential::ApplicationCredential;
use crate::domain::role::Role;

/// An application credential; with the `secret` where it has just been made, and never again.
pub(crate) fn application_credential(it: &ApplicationCredential, secret: Option<&Secret>, base: &str) -> Value {
    let mut value = json!({
        "id": it.id,
        "name": it.name,
        "description": it.description,
        "user_id": it.user_id,
        "project_id": it.project_id,
        "system": null,
        "expires_at": it.expires_at.map(micros_naive),
        "unrestricted": it.unrestricted,
        "roles": it.roles.iter().map(role).collect::<Vec<_>>(),
        "links": { "self": format!("{base}/application_credentials/{}", it.id) },
    });
    if !it.access_rules.is_empty() {
        put(&mut value, "access_rules", it.access_rules.iter().map(brief).collect());
    }
    if let Some(secret) = secret {
        put(&mut value, "secret", json!(secret));
    }
    value
}

/// A role, without the link that roles have elsewhere.
fn role(role: &Role) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": role.options,
    })
}

/// An access rule, as application credentials and tokens list it.
pub(crate) fn brief(rule: &AccessRule) -> Value {
    json!({ "id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path })
}

/// An access rule as a resource of its own.
pub(crate) fn access_rule(rule: &AccessRule, base: &str) -> Value {
    let mut value = brief(rule);
    put(&mut value, "links", json!({ "self": format!("{base}/access_rules/{}", rule.id) }));
    value
}
