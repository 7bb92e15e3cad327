//! Roles, what they imply, and who holds them where.

use kit::Fault;

use super::Object;
use super::attributes::{Attributes, change_options, is_immutable, only_makes_mutable};
use crate::error;

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The domain of a domain-specific role, which only serves to imply others.
    pub(crate) domain_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) options: Object,
    pub(crate) extra: Object,
}

impl Role {
    /// A role of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            name: attributes.text("name").unwrap_or_default(),
            domain_id: attributes.text("domain_id"),
            description: attributes.text("description"),
            options: attributes.object("options").unwrap_or_default(),
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 403 and 400 for what must not change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        if is_immutable(&self.options) && !only_makes_mutable(&attributes) {
            return Err(error::immutable("update", "role", &self.id));
        }
        attributes.same("id", &self.id, "ID")?;
        if attributes.nullable("domain_id").is_some_and(|domain| domain != self.domain_id) {
            return Err(Fault::bad_request("Update of `domain_id` is not allowed."));
        }
        attributes.drop(&["links"]);
        if let Some(name) = attributes.text("name") {
            self.name = name;
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        if let Some(options) = attributes.object("options") {
            change_options(&mut self.options, options);
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// The role that none may imply, as in Keystone.
const NEVER_IMPLIED: &str = "admin";

impl Role {
    /// Whether it may imply `implied`.
    ///
    /// # Errors
    /// 403 where it may not.
    pub(crate) fn check_implies(&self, implied: &Self) -> Result<(), Fault> {
        if implied.name == NEVER_IMPLIED {
            return Err(Fault::forbidden(format!("{} cannot be an implied roles.", implied.id)));
        }
        if self.domain_id.is_none() && implied.domain_id.is_some() {
            return Err(Fault::forbidden("Global role cannot imply a domain-specific role"));
        }
        Ok(())
    }
}

/// What a role is held on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holding {
    /// A project.
    Project(String),
    /// A domain.
    Domain(String),
    /// The cloud itself.
    System,
}

impl Holding {
    /// As the database names its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Domain(_) => "domain",
            Self::System => "system",
        }
    }

    /// The id of the project or the domain.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Project(id) | Self::Domain(id) => Some(id),
            Self::System => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_global_role_implies_global_roles_but_never_admin() {
        let role = |name: &str, domain: Option<&str>| {
            Role::new(name.to_owned(), attributes(json!({"name": name, "domain_id": domain})))
        };
        let (global, own) = (role("dba", None), role("own", Some("d")));
        global.check_implies(&role("reader", None)).unwrap();
        own.check_implies(&global).unwrap();
        own.check_implies(&role("other", Some("e"))).unwrap();
        let refused = |prior: &Role, implied: &Role| prior.check_implies(implied).unwrap_err().message().to_owned();
        assert_eq!(refused(&global, &own), "Global role cannot imply a domain-specific role");
        assert_eq!(refused(&own, &role("admin", None)), "admin cannot be an implied roles.");
    }

    #[test]
    fn an_immutable_role_stays_as_it_is() {
        let mut role = Role::new("r".to_owned(), attributes(json!({"name": "admin", "options": {"immutable": true}})));
        let fault = role.apply(attributes(json!({"name": "root"}))).unwrap_err();
        assert_eq!(
            fault.message(),
            "Unable to update immutable role resource: `r. Set resource option \"immutable\" to false first."
        );
        role.apply(attributes(json!({"options": {"immutable": false}}))).unwrap();
        role.apply(attributes(json!({"name": "root", "description": null}))).unwrap();
        assert_eq!(role.name, "root");
        assert!(role.apply(attributes(json!({"domain_id": "d"}))).is_err());
    }
}
