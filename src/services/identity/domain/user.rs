//! Users.
//!
//! Whether a password ends is the password's affair ([`password`](super::password)); a user only shows it.

use kit::{Fault, Timestamp};
use serde_json::Value;

use super::attributes::{Attributes, change_options};
use super::{DEFAULT_DOMAIN, Object};

/// What is no attribute of a user, though a request may hold it. Keystone never shows the last three.
const NEVER_KEPT: &[&str] = &["links", "password", "password_expires_at", "federated", "tenants", "groups", "domains"];

/// Who a user is at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) idp_id: String,
    pub(crate) protocol_id: String,
    pub(crate) unique_id: String,
}

/// The accounts that a request's `federated` names; none where it names none, as Keystone does not tell the
/// two apart.
pub(crate) fn accounts(attributes: &mut Attributes) -> Option<Vec<Account>> {
    let mut accounts = Vec::new();
    for provider in attributes.array("federated")? {
        let text = |value: &Value, name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        for protocol in provider.get("protocols").and_then(Value::as_array).into_iter().flatten() {
            accounts.push(Account {
                idp_id: text(&provider, "idp_id"),
                protocol_id: text(protocol, "protocol_id"),
                unique_id: text(protocol, "unique_id"),
            });
        }
    }
    (!accounts.is_empty()).then_some(accounts)
}

/// A user, without its password.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) domain_id: String,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) default_project_id: Option<String>,
    pub(crate) options: Object,
    pub(crate) extra: Object,
    /// Tokens issued before this are not valid.
    pub(crate) tokens_valid_since: Timestamp,
    pub(crate) created_at: Timestamp,
    /// The day of the last login.
    pub(crate) last_active_at: Option<Timestamp>,
    /// When the present password ends, if it does.
    pub(crate) password_expires_at: Option<Timestamp>,
}

impl User {
    /// A user of `attributes`, without the password among them; without a domain it goes into `home`.
    pub(crate) fn new(id: String, mut attributes: Attributes, home: Option<&str>, now: Timestamp) -> Self {
        attributes.drop(&["id"]);
        attributes.drop(NEVER_KEPT);
        Self {
            id,
            domain_id: attributes.text("domain_id").unwrap_or_else(|| home.unwrap_or(DEFAULT_DOMAIN).to_owned()),
            name: attributes.text("name").unwrap_or_default().trim().to_owned(),
            enabled: attributes.flag("enabled").unwrap_or(true),
            default_project_id: attributes.text("default_project_id"),
            options: attributes.object("options").unwrap_or_default(),
            extra: attributes.rest(),
            tokens_valid_since: now,
            created_at: now,
            last_active_at: None,
            password_expires_at: None,
        }
    }

    /// Changes it as `attributes` say; its tokens end when it is disabled or gets a `new_password`.
    ///
    /// # Errors
    /// 400 for what must not change.
    pub(crate) fn apply(
        &mut self,
        mut attributes: Attributes,
        new_password: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.same("domain_id", &self.domain_id, "Domain ID")?;
        attributes.drop(NEVER_KEPT);
        if let Some(name) = attributes.text("name") {
            self.name = name.trim().to_owned();
        }
        if let Some(project) = attributes.nullable("default_project_id") {
            self.default_project_id = project;
        }
        let enabled = attributes.flag("enabled").unwrap_or(self.enabled);
        if new_password || (self.enabled && !enabled) {
            self.tokens_valid_since = now;
        }
        self.enabled = enabled;
        if let Some(options) = attributes.object("options") {
            change_options(&mut self.options, options);
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_password_never_lands_among_the_attributes() {
        let now = Timestamp::UNIX_EPOCH;
        let given = attributes(json!({"name": "a", "password": "hunter2", "email": "a@b"}));
        let mut user = User::new("u".to_owned(), given, Some("d"), now);
        assert_eq!((user.domain_id.as_str(), Value::Object(user.extra.clone())), ("d", json!({"email": "a@b"})));
        user.apply(attributes(json!({"password": "x"})), true, kit::time::from_micros(9)).unwrap();
        assert_eq!(user.tokens_valid_since, kit::time::from_micros(9));
        assert!(!format!("{user:?}").contains("hunter2"));
    }

    #[test]
    fn a_user_stays_in_its_domain() {
        let mut user = User::new("u".to_owned(), attributes(json!({"name": "a"})), None, Timestamp::UNIX_EPOCH);
        let change = attributes(json!({"domain_id": "other"}));
        let fault = user.apply(change, false, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(fault.message(), "Cannot change Domain ID");
    }
}
