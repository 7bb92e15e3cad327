//! Credentials, as such and in the form of the EC2 API.

use serde_json::{Value, json};

use crate::domain::Object;
use crate::domain::credential::Credential;

/// A credential with its blob, which only those see who may.
pub(crate) fn credential(it: &Credential, base: &str) -> Value {
    let known = json!({
        "id": it.id,
        "user_id": it.user_id,
        "project_id": it.project_id,
        "type": it.kind,
        "blob": it.blob,
    });
    super::with_extra(known, &it.extra, base, "credentials", &it.id)
}

/// An EC2 credential with the `blob`.
pub(crate) fn ec2(it: &Credential, blob: &Object, base: &str) -> Value {
    let part = |name: &str| blob.get(name).cloned().unwrap_or_default();
    let access = blob.get("access").and_then(Value::as_str).unwrap_or_default();
    json!({
        "user_id": it.user_id,
        "tenant_id": it.project_id,
        "access": access,
        "secret": part("secret"),
        "trust_id": part("trust_id"),
        "links": { "self": format!("{base}/users/{}/credentials/OS-EC2/{access}", it.user_id) },
    })
}
