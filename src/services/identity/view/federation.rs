//! Identity providers, protocols, mappings, service providers.

use serde_json::{Value, json};

use crate::domain::federation::{IdentityProvider, Protocol, ServiceProvider, StoredMapping};

/// An identity provider.
pub(crate) fn identity_provider(provider: &IdentityProvider, base: &str) -> Value {
    let own = format!("{base}/OS-FEDERATION/identity_providers/{}", provider.id);
    json!({
        "id": provider.id,
        "domain_id": provider.domain_id,
        "enabled": provider.enabled,
        "description": provider.description,
        "remote_ids": provider.remote_ids,
        "authorization_ttl": provider.authorization_ttl,
        "links": { "protocols": format!("{own}/protocols"), "self": own },
    })
}

/// A protocol.
pub(crate) fn protocol(protocol: &Protocol, base: &str) -> Value {
    let provider = format!("{base}/OS-FEDERATION/identity_providers/{}", protocol.idp_id);
    json!({
        "id": protocol.id,
        "mapping_id": protocol.mapping_id,
        "links": { "self": format!("{provider}/protocols/{}", protocol.id), "identity_provider": provider },
    })
}

/// A protocol in a list, which says more.
pub(crate) fn listed_protocol(it: &Protocol, base: &str) -> Value {
    let mut value = protocol(it, base);
    super::put(&mut value, "idp_id", json!(it.idp_id));
    super::put(&mut value, "remote_id_attribute", json!(it.remote_id_attribute));
    value
}

/// A mapping.
pub(crate) fn mapping(mapping: &StoredMapping, base: &str) -> Value {
    json!({
        "id": mapping.id,
        "rules": mapping.rules,
        "schema_version": mapping.schema_version,
        "links": { "self": format!("{base}/OS-FEDERATION/mappings/{}", mapping.id) },
    })
}

/// A service provider.
pub(crate) fn service_provider(provider: &ServiceProvider, base: &str) -> Value {
    json!({
        "id": provider.id,
        "enabled": provider.enabled,
        "description": provider.description,
        "auth_url": provider.auth_url,
        "sp_url": provider.sp_url,
        "relay_state_prefix": provider.relay_state_prefix,
        "links": { "self": format!("{base}/OS-FEDERATION/service_providers/{}", provider.id) },
    })
}

/// A service provider, as a token names it.
pub(crate) fn offered_service_provider(provider: &ServiceProvider) -> Value {
    json!({ "id": provider.id, "auth_url": provider.auth_url, "sp_url": provider.sp_url })
}
