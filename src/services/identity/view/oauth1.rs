//! Consumers and access tokens of OAuth 1.0a.

use kit::Secret;
use kit::time::micros_z;
use serde_json::{Value, json};

use super::{put, with_extra};
use crate::domain::oauth1::{AccessToken, Consumer};
use crate::domain::role::Role;

/// A consumer; its secret, when it has just been made.
pub(crate) fn consumer(consumer: &Consumer, secret: Option<&Secret>, base: &str) -> Value {
    let mut known = json!({ "id": consumer.id, "description": consumer.description });
    if let Some(secret) = secret {
        put(&mut known, "secret", json!(secret.expose()));
    }
    with_extra(known, &consumer.extra, &format!("{base}/OS-OAUTH1"), "consumers", &consumer.id)
}

/// An access token, without its secret.
pub(crate) fn access_token(token: &AccessToken, base: &str) -> Value {
    let own = format!("{base}/users/{}/OS-OAUTH1/access_tokens/{}", token.user_id, token.id);
    json!({
        "id": token.id,
        "authorizing_user_id": token.user_id,
        "consumer_id": token.consumer_id,
        "project_id": token.project_id,
        "expires_at": token.expires_at.map(micros_z),
        "links": { "roles": format!("{own}/roles"), "self": own },
    })
}

/// A role that was lent.
pub(crate) fn role(role: &Role, base: &str) -> Value {
    let mut value = super::role::role(role, base);
    if let Value::Object(object) = &mut value {
        object.remove("description");
    }
    value
}
