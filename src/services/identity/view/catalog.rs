//! Services, endpoints and regions, as their own resources.

use serde_json::{Value, json};

use super::with_extra;
use crate::domain::catalog::{Endpoint, Region, Service};

/// A service.
pub(crate) fn service(service: &Service, base: &str) -> Value {
    let known = json!({
        "id": service.id,
        "type": service.kind,
        "name": service.name,
        "enabled": service.enabled,
    });
    with_extra(known, &service.extra, base, "services", &service.id)
}

/// An endpoint. `region` is what older clients read.
pub(crate) fn endpoint(endpoint: &Endpoint, base: &str) -> Value {
    let known = json!({
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "service_id": endpoint.service_id,
        "url": endpoint.url,
        "enabled": endpoint.enabled,
        "region": endpoint.region_id,
    });
    with_extra(known, &endpoint.extra, base, "endpoints", &endpoint.id)
}

/// A region.
pub(crate) fn region(region: &Region, base: &str) -> Value {
    let known = json!({
        "id": region.id,
        "description": region.description,
        "parent_region_id": region.parent_region_id,
    });
    with_extra(known, &region.extra, base, "regions", &region.id)
}
