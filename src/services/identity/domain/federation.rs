//! Identity providers, their protocols and mappings, and service providers.

use kit::Fault;
use serde_json::Value;

use super::attributes::Attributes;
use super::mapping::Mapping;
use crate::error;

/// The prefix of `RelayState` where a service provider names none.
const RELAY_STATE_PREFIX: &str = "ss:mem:";

/// The form of a mapping that names none.
const DEFAULT_VERSION: &str = "1.0";

/// Somebody else who says who a user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentityProvider {
    pub(crate) id: String,
    /// Where its users are.
    pub(crate) domain_id: String,
    pub(crate) enabled: bool,
    pub(crate) description: Option<String>,
    /// What it calls itself.
    pub(crate) remote_ids: Vec<String>,
    /// For how many minutes after a login its groups count outside of that login's own tokens.
    pub(crate) authorization_ttl: Option<i64>,
}

impl IdentityProvider {
    /// An identity provider of `attributes`, whose users are in `domain_id`.
    pub(crate) fn new(id: String, domain_id: String, mut attributes: Attributes) -> Self {
        let mut remote_ids = attributes.texts("remote_ids").unwrap_or_default();
        remote_ids.sort();
        Self {
            id,
            domain_id,
            enabled: attributes.flag("enabled").unwrap_or(false),
            description: attributes.text("description"),
            remote_ids,
            authorization_ttl: attributes.integer("authorization_ttl"),
        }
    }

    /// Changes it as `attributes` say.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) {
        if let Some(enabled) = attributes.flag("enabled") {
            self.enabled = enabled;
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        if attributes.is_null("remote_ids") {
            self.remote_ids.clear();
        }
        if let Some(mut remote_ids) = attributes.texts("remote_ids") {
            remote_ids.sort();
            self.remote_ids = remote_ids;
        }
        if attributes.is_null("authorization_ttl") {
            self.authorization_ttl = None;
        }
        if let Some(ttl) = attributes.integer("authorization_ttl") {
            self.authorization_ttl = Some(ttl);
        }
    }

    /// # Errors
    /// 403 where it is disabled.
    pub(crate) fn check_enabled(&self) -> Result<(), Fault> {
        if self.enabled { Ok(()) } else { Err(Fault::forbidden(format!("Identity Provider {} is disabled", self.id))) }
    }

    /// Whether somebody whom the provider `remote_id` vouches for may come in.
    ///
    /// # Errors
    /// 403 where it is none of its own.
    pub(crate) fn check_remote_id(&self, remote_id: Option<&str>) -> Result<(), Fault> {
        if self.remote_ids.is_empty() {
            return Ok(());
        }
        let remote_id = remote_id
            .ok_or_else(|| Fault::bad_request("Could not find Identity Provider identifier in environment"))?;
        if self.remote_ids.iter().any(|known| known == remote_id) {
            return Ok(());
        }
        Err(Fault::forbidden("Incoming identity provider identifier not included among the accepted identifiers."))
    }
}

/// A way in through an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) id: String,
    pub(crate) idp_id: String,
    pub(crate) mapping_id: String,
    /// The attribute that holds the provider's remote id.
    pub(crate) remote_id_attribute: Option<String>,
}

impl Protocol {
    /// A protocol of `attributes`.
    pub(crate) fn new(idp_id: String, id: String, mut attributes: Attributes) -> Self {
        Self {
            id,
            idp_id,
            mapping_id: attributes.text("mapping_id").unwrap_or_default(),
            remote_id_attribute: attributes.text("remote_id_attribute"),
        }
    }

    /// Changes it as `attributes` say.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) {
        if let Some(mapping_id) = attributes.text("mapping_id") {
            self.mapping_id = mapping_id;
        }
        if let Some(attribute) = attributes.text("remote_id_attribute") {
            self.remote_id_attribute = Some(attribute);
        }
    }
}

/// A mapping, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredMapping {
    pub(crate) id: String,
    pub(crate) schema_version: String,
    pub(crate) rules: Value,
}

impl StoredMapping {
    /// A mapping of the `mapping` of a request.
    ///
    /// # Errors
    /// 400 for one that cannot be used.
    pub(crate) fn new(id: String, mapping: &Value) -> Result<Self, Fault> {
        let version = match mapping.get("schema_version") {
            None | Some(Value::Null) => DEFAULT_VERSION,
            Some(version) => version.as_str().ok_or_else(|| Fault::bad_request("schema_version must be a text"))?,
        };
        let version = if version.is_empty() { DEFAULT_VERSION } else { version };
        let rules = mapping.get("rules").ok_or_else(|| error::missing("rules", "mapping"))?;
        Mapping::read(rules, version)?;
        Ok(Self { id, schema_version: version.to_owned(), rules: rules.clone() })
    }

    /// It, ready for use.
    ///
    /// # Errors
    /// Where it was stored by a version that took what this one does not.
    pub(crate) fn read(&self) -> Result<Mapping, Fault> {
        Mapping::read(&self.rules, &self.schema_version).map_err(|error| Fault::internal("reading a mapping", error))
    }
}

/// Another cloud that takes this one's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceProvider {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) description: Option<String>,
    pub(crate) auth_url: String,
    pub(crate) sp_url: String,
    pub(crate) relay_state_prefix: String,
}

impl ServiceProvider {
    /// A service provider of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        Self {
            id,
            enabled: attributes.flag("enabled").unwrap_or(false),
            description: attributes.text("description"),
            auth_url: attributes.text("auth_url").unwrap_or_default(),
            sp_url: attributes.text("sp_url").unwrap_or_default(),
            relay_state_prefix: attributes.text("relay_state_prefix").unwrap_or_else(|| RELAY_STATE_PREFIX.to_owned()),
        }
    }

    /// Changes it as `attributes` say.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) {
        if let Some(enabled) = attributes.flag("enabled") {
            self.enabled = enabled;
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        for (name, field) in [
            ("auth_url", &mut self.auth_url),
            ("sp_url", &mut self.sp_url),
            ("relay_state_prefix", &mut self.relay_state_prefix),
        ] {
            if let Some(text) = attributes.text(name) {
                *field = text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(remote_ids: Value) -> IdentityProvider {
        let given = json!({ "remote_ids": remote_ids });
        IdentityProvider::new("idp".to_owned(), "d".to_owned(), Attributes::new(given.as_object().unwrap().clone()))
    }

    #[test]
    fn a_provider_vouches_under_its_own_names() {
        let named = provider(json!(["b", "a"]));
        assert_eq!(named.remote_ids, ["a", "b"]);
        assert!(named.check_remote_id(Some("a")).is_ok());
        assert_eq!(named.check_remote_id(Some("c")).unwrap_err().kind(), kit::FaultKind::Forbidden);
        assert_eq!(named.check_remote_id(None).unwrap_err().kind(), kit::FaultKind::BadRequest);
        assert!(provider(Value::Null).check_remote_id(None).is_ok());
        assert_eq!(named.check_enabled().unwrap_err().message(), "Identity Provider idp is disabled");
    }

    #[test]
    fn remote_ids_are_replaced_or_taken_away() {
        let mut it = provider(json!(["a"]));
        let change = |value: Value| Attributes::new(json!({ "remote_ids": value }).as_object().unwrap().clone());
        it.apply(change(json!(["z", "y"])));
        assert_eq!(it.remote_ids, ["y", "z"]);
        it.apply(change(Value::Null));
        assert!(it.remote_ids.is_empty());
    }

    #[test]
    fn a_mapping_is_checked_when_it_is_made() {
        let rules = json!([{"remote": [{"type": "a"}], "local": [{"user": {"name": "{0}"}}]}]);
        let made = StoredMapping::new("m".to_owned(), &json!({"rules": rules, "schema_version": ""})).unwrap();
        assert_eq!(made.schema_version, "1.0");
        assert!(made.read().is_ok());
        for wrong in [json!({}), json!({"rules": []}), json!({"rules": rules, "schema_version": 2})] {
            assert_eq!(StoredMapping::new("m".to_owned(), &wrong).unwrap_err().kind(), kit::FaultKind::BadRequest);
        }
    }
}
