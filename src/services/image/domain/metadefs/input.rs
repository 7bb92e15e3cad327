//! What clients send: the bodies that make and change definitions. The cloud's own vocabulary has the same form.

use std::collections::BTreeMap;

use kit::Fault;
use serde::{Deserialize, Serialize};

use super::property::Property;

/// A namespace, with or without what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNamespace {
    /// Its name.
    pub namespace: String,
    /// Its name as people are shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `public` or `private`; private where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// Whether it cannot be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// The project that it belongs to; the caller's where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The resource types that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type_associations: Option<Vec<NewAssociation>>,
    /// Its properties by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, Property>>,
    /// Its objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<NewObject>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<NewTag>>,
}

/// A group of properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewObject {
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Those of its properties that must be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Vec<String>>,
    /// Its properties by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, Property>>,
}

/// That a namespace is for resources of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAssociation {
    /// The resource type.
    pub name: String,
    /// What stands before each property's name on such a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Which of the resource's sets of properties is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties_target: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTag {
    /// The word.
    pub name: String,
}

/// Several tags.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTags {
    /// They.
    pub tags: Vec<NewTag>,
}

/// Names are not longer.
const LONGEST: usize = 80;

impl NewNamespace {
    /// Checks the names of what is in it, which its schema says nothing of.
    ///
    /// # Errors
    /// 400 for one that is too long.
    pub fn check(&self) -> Result<(), Fault> {
        let objects = self.objects.iter().flatten();
        let names = objects.map(|object| &object.name);
        let names = names.chain(self.tags.iter().flatten().map(|tag| &tag.name));
        let names = names.chain(self.resource_type_associations.iter().flatten().map(|association| &association.name));
        match names.chain(self.properties.iter().flat_map(BTreeMap::keys)).find(|name| name.chars().count() > LONGEST) {
            None => Ok(()),
            Some(name) => Err(Fault::bad_request(format!("Couldn't create metadata namespace: '{name}' is too long"))),
        }
    }
}
