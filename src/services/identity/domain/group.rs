//! Groups of users.

use kit::Fault;

use super::attributes::Attributes;
use super::{DEFAULT_DOMAIN, Object};

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) domain_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) extra: Object,
}

impl Group {
    /// A group of `attributes`; without a domain it goes into `home`.
    pub(crate) fn new(id: String, mut attributes: Attributes, home: Option<&str>) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            domain_id: attributes.text("domain_id").unwrap_or_else(|| home.unwrap_or(DEFAULT_DOMAIN).to_owned()),
            name: attributes.text("name").unwrap_or_default().trim().to_owned(),
            description: attributes.nullable("description").unwrap_or_else(|| Some(String::new())),
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 for what must not change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        if attributes.nullable("domain_id").is_some_and(|domain| domain.as_ref() != Some(&self.domain_id)) {
            return Err(Fault::bad_request("Cannot change Domain ID"));
        }
        attributes.drop(&["links"]);
        if let Some(name) = attributes.text("name") {
            self.name = name.trim().to_owned();
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        self.extra.extend(attributes.rest());
        Ok(())
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
    fn a_group_stays_in_its_domain() {
        let mut group = Group::new("g".to_owned(), attributes(json!({"name": " a ", "color": "red"})), Some("d"));
        assert_eq!((group.name.as_str(), group.domain_id.as_str()), ("a", "d"));
        assert_eq!(group.description.as_deref(), Some(""));
        for change in [json!({"domain_id": "e"}), json!({"domain_id": null}), json!({"id": "h"})] {
            assert!(group.apply(attributes(change)).is_err());
        }
        group.apply(attributes(json!({"domain_id": "d", "description": null, "size": 3}))).unwrap();
        assert_eq!(group.description, None);
        assert_eq!(Value::Object(group.extra), json!({"color": "red", "size": 3}));
    }
}
