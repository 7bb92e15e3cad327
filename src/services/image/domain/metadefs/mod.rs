//! Metadata definitions: what the properties of images, flavors, volumes and the like are called and may hold.
//!
//! A namespace groups objects (groups of properties), properties and tags, and is associated with the resource types that
//! they are for. Definitions describe and never enforce: dashboards read them. Here is what they are made of, what a client may
//! send, and which of them a caller sees; the vocabulary that comes with cloudbox is in [`vocabulary`].

pub mod input;
pub mod property;
pub mod schemas;
pub mod vocabulary;

use std::collections::BTreeMap;

use kit::{RequestContext, Timestamp};

use property::Property;

/// A namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Its number.
    pub id: i64,
    /// Its name, which no other has.
    pub namespace: String,
    /// Its name as people are shown it.
    pub display_name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// `public` or `private`.
    pub visibility: String,
    /// Whether it and what is in it cannot be deleted.
    pub protected: bool,
    /// The project that it belongs to; `admin` where it came with cloudbox.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Namespace {
    /// Whether the caller may know that it exists.
    pub fn is_visible_to(&self, context: &RequestContext) -> bool {
        context.is_admin()
            || self.visibility == "public"
            || context.project_id().is_some_and(|project| project.as_str() == self.owner)
    }
}

/// A group of properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its number.
    pub id: i64,
    /// Its name in its namespace.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Those of its properties that must be set.
    pub required: Vec<String>,
    /// Its properties by their names.
    pub properties: BTreeMap<String, Property>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// That a namespace is for resources of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Association {
    /// The resource type, such as `OS::Nova::Flavor`.
    pub name: String,
    /// What stands before each property's name on such a resource.
    pub prefix: Option<String>,
    /// Which of the resource's sets of properties is meant.
    pub properties_target: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A word that something can be tagged with; also a resource type, which has no more to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The word.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
