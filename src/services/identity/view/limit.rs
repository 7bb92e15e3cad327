//! Registered limits and limits.

use serde_json::{Value, json};

use super::put;
use crate::domain::limit::{Limit, RegisteredLimit};

/// A registered limit.
pub(crate) fn registered_limit(limit: &RegisteredLimit, base: &str) -> Value {
    json!({
        "id": limit.id,
        "service_id": limit.service_id,
        "region_id": limit.region_id,
        "resource_name": limit.resource_name,
        "default_limit": limit.default_limit,
        "description": limit.description,
        "links": { "self": format!("{base}/registered_limits/{}", limit.id) },
    })
}

/// A limit.
pub(crate) fn limit(limit: &Limit, base: &str) -> Value {
    let mut value = bare(limit);
    put(&mut value, "links", json!({ "self": format!("{base}/limits/{}", limit.id) }));
    value
}

/// A limit as a project shows its own: without links.
pub(crate) fn bare(limit: &Limit) -> Value {
    json!({
        "id": limit.id,
        "project_id": limit.project_id,
        "domain_id": limit.domain_id,
        "service_id": limit.service_id,
        "region_id": limit.region_id,
        "resource_name": limit.resource_name,
        "resource_limit": limit.resource_limit,
        "description": limit.description,
    })
}
