//! Projects, and domains: projects that act as one.

use kit::{Fault, Timestamp};

use super::attributes::{Attributes, change_options, is_immutable, only_makes_mutable};
use super::{DEFAULT_DOMAIN, Object};
use crate::error;

/// A project or a domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    /// None for a domain.
    pub(crate) domain_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) is_domain: bool,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) tags: Vec<String>,
    pub(crate) options: Object,
    pub(crate) extra: Object,
    /// Tokens issued before this are not valid for it.
    pub(crate) tokens_valid_since: Timestamp,
}

/// How deep a tree of projects may be, its domain not counted; Keystone's default.
pub(crate) const DEEPEST: usize = 5;

impl Project {
    /// A domain of `attributes`.
    pub(crate) fn new_domain(id: String, mut attributes: Attributes, now: Timestamp) -> Self {
        attributes.drop(&["domain_id", "parent_id", "is_domain", "explicit_domain_id"]);
        Self::build(id, None, None, attributes, now)
    }

    /// A project of `attributes` that may say that it acts as a domain.
    ///
    /// # Errors
    /// 400 for one that acts as a domain inside another.
    pub(crate) fn new(
        id: String,
        mut attributes: Attributes,
        home: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        if attributes.flag("is_domain") != Some(true) {
            return Ok(Self::new_project(id, attributes, home, now));
        }
        if attributes.text("parent_id").or(attributes.text("domain_id")).is_some() {
            return Err(Fault::bad_request("only root projects are allowed to act as domains."));
        }
        Ok(Self::build(id, None, None, attributes, now))
    }

    /// A project of `attributes`; without a domain it goes into `home`.
    pub(crate) fn new_project(id: String, mut attributes: Attributes, home: Option<&str>, now: Timestamp) -> Self {
        let domain = attributes.text("domain_id").unwrap_or_else(|| home.unwrap_or(DEFAULT_DOMAIN).to_owned());
        let parent = attributes.text("parent_id").unwrap_or_else(|| domain.clone());
        Self::build(id, Some(domain), Some(parent), attributes, now)
    }

    fn build(
        id: String,
        domain_id: Option<String>,
        parent_id: Option<String>,
        mut attributes: Attributes,
        now: Timestamp,
    ) -> Self {
        attributes.drop(&["id", "links", "is_domain"]);
        Self {
            id,
            name: attributes.text("name").unwrap_or_default().trim().to_owned(),
            is_domain: domain_id.is_none(),
            domain_id,
            parent_id,
            description: attributes.nullable("description").unwrap_or_else(|| Some(String::new())),
            enabled: attributes.flag("enabled").unwrap_or(true),
            tags: attributes.texts("tags").unwrap_or_default(),
            options: attributes.object("options").unwrap_or_default(),
            extra: attributes.rest(),
            tokens_valid_since: now,
        }
    }

    /// What it is called in Keystone's messages.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_domain { "domain" } else { "project" }
    }

    /// Changes it as `attributes` say; tokens for it end when it is disabled.
    ///
    /// # Errors
    /// 403 and 400 for what must not change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes, now: Timestamp) -> Result<(), Fault> {
        if is_immutable(&self.options) && !only_makes_mutable(&attributes) {
            return Err(error::immutable("update", self.kind(), &self.id));
        }
        self.check_fixed(&mut attributes)?;
        if let Some(name) = attributes.text("name") {
            self.name = name.trim().to_owned();
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        if let Some(enabled) = attributes.flag("enabled") {
            if self.enabled && !enabled {
                self.tokens_valid_since = now;
            }
            self.enabled = enabled;
        }
        if let Some(tags) = attributes.texts("tags") {
            self.tags = tags;
        }
        if let Some(options) = attributes.object("options") {
            change_options(&mut self.options, options);
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }

    fn check_fixed(&self, attributes: &mut Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.drop(&["links"]);
        if attributes.nullable("domain_id").is_some_and(|domain| domain != self.domain_id) {
            return Err(Fault::bad_request("Cannot change Domain ID"));
        }
        if attributes.nullable("parent_id").is_some_and(|parent| parent != self.parent_id) {
            return Err(Fault::forbidden("Update of `parent_id` is not allowed."));
        }
        if attributes.flag("is_domain").is_some_and(|is_domain| is_domain != self.is_domain) {
            return Err(Fault::bad_request("Update of `is_domain` is not allowed."));
        }
        Ok(())
    }

    /// Whether it may be deleted, as far as it is up to itself.
    ///
    /// # Errors
    /// 403 for what is immutable and for an enabled domain.
    pub(crate) fn check_deletable(&self) -> Result<(), Fault> {
        if is_immutable(&self.options) {
            return Err(error::immutable("delete", self.kind(), &self.id));
        }
        if self.is_domain && self.enabled {
            return Err(Fault::forbidden("Cannot delete a domain that is enabled, please disable it first."));
        }
        Ok(())
    }

    /// 409: its name, or its id, is taken.
    pub(crate) fn name_taken(&self) -> Fault {
        let details = if self.is_domain {
            format!("it is not permitted to have two projects acting as domains with the same name: {}", self.name)
        } else {
            format!(
                "it is not permitted to have two projects with either the same name or same id in the same domain: \
                 name is {}, project id {}",
                self.name, self.id
            )
        };
        error::conflict("project", details)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    fn project(value: Value) -> Project {
        Project::new_project("p".to_owned(), attributes(value), None, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_project_lands_in_the_default_domain_unless_told() {
        let plain = project(json!({"name": " a ", "color": "red"}));
        assert_eq!((plain.name.as_str(), plain.domain_id.as_deref()), ("a", Some("default")));
        assert_eq!(plain.parent_id.as_deref(), Some("default"));
        assert_eq!(Value::Object(plain.extra), json!({"color": "red"}));
        let child = project(json!({"name": "b", "domain_id": "d", "parent_id": "p0"}));
        assert_eq!((child.domain_id.as_deref(), child.parent_id.as_deref()), (Some("d"), Some("p0")));
    }

    #[test]
    fn only_a_root_acts_as_a_domain() {
        let make = |value: Value| Project::new("p".to_owned(), attributes(value), Some("d"), Timestamp::UNIX_EPOCH);
        let domain = make(json!({"name": "a", "is_domain": true})).unwrap();
        assert_eq!((domain.is_domain, domain.domain_id, domain.parent_id), (true, None, None));
        let plain = make(json!({"name": "a", "is_domain": false})).unwrap();
        assert_eq!(
            (plain.is_domain, plain.domain_id.as_deref(), plain.parent_id.as_deref()),
            (false, Some("d"), Some("d"))
        );
        for inside in ["parent_id", "domain_id"] {
            let fault = make(json!({"name": "a", "is_domain": true, inside: "d"})).unwrap_err();
            assert_eq!(fault.message(), "only root projects are allowed to act as domains.");
        }
    }

    #[test]
    fn disabling_ends_its_tokens() {
        let later = kit::time::from_micros(5);
        let mut it = project(json!({"name": "a"}));
        it.apply(attributes(json!({"description": "x"})), later).unwrap();
        assert_eq!(it.tokens_valid_since, Timestamp::UNIX_EPOCH);
        it.apply(attributes(json!({"enabled": false})), later).unwrap();
        assert_eq!(it.tokens_valid_since, later);
    }

    #[test]
    fn what_is_fixed_stays() {
        let mut it = project(json!({"name": "a", "options": {"immutable": true}}));
        let now = Timestamp::UNIX_EPOCH;
        assert!(it.apply(attributes(json!({"name": "b"})), now).unwrap_err().message().contains("immutable project"));
        it.apply(attributes(json!({"options": {"immutable": null}})), now).unwrap();
        for change in [json!({"domain_id": "other"}), json!({"parent_id": "other"}), json!({"is_domain": true})] {
            assert!(it.apply(attributes(change), now).is_err());
        }
        it.apply(attributes(json!({"domain_id": "default", "name": "b"})), now).unwrap();
        assert_eq!(it.name, "b");
    }
}
