//! Trusts.

use kit::time::micros_z;
use serde_json::{Value, json};

use super::put;
use crate::domain::role::Role;
use crate::domain::trust::Trust;

/// Where trusts are, below the service's URL.
pub(crate) const COLLECTION: &str = "OS-TRUST/trusts";

/// A trust, as lists have it: without its roles.
pub(crate) fn brief(trust: &Trust, base: &str) -> Value {
    let known = json!({
        "id": trust.id,
        "trustor_user_id": trust.trustor_user_id,
        "trustee_user_id": trust.trustee_user_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": trust.expires_at.map(micros_z),
        "remaining_uses": trust.remaining_uses,
        "deleted_at": null,
        "redelegation_count": trust.redelegation_count,
        "redelegated_trust_id": trust.redelegated_trust_id,
    });
    super::with_extra(known, &trust.extra, base, COLLECTION, &trust.id)
}

/// A trust with its `roles`.
pub(crate) fn trust(trust: &Trust, roles: &[Role], base: &str) -> Value {
    let mut value = brief(trust, base);
    put(&mut value, "roles", roles.iter().map(|role| super::role::role(role, base)).collect());
    put(&mut value, "roles_links", roles_links(trust, base));
    value
}

/// The links of the list of a trust's roles.
pub(crate) fn roles_links(trust: &Trust, base: &str) -> Value {
    json!({ "self": format!("{base}/{COLLECTION}/{}/roles", trust.id), "next": null, "previous": null })
}
