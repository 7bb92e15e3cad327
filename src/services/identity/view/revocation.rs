//! Revocation events.

use kit::time::micros_z;
use serde_json::{Value, json};

use super::put;
use crate::domain::revocation::{Revocation, Revoked};

/// An event: what was revoked, and when.
pub(crate) fn event(revocation: &Revocation) -> Value {
    let at = micros_z(revocation.at);
    let mut event = json!({ "issued_before": at, "revoked_at": at });
    let (name, id) = match &revocation.of {
        Revoked::Token(audit_id) => ("audit_id", audit_id),
        Revoked::User(id) => ("user_id", id),
        Revoked::Project(id) => ("project_id", id),
        Revoked::Domain(id) => ("domain_id", id),
    };
    put(&mut event, name, json!(id));
    event
}
