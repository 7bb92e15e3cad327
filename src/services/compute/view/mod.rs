//! JSON by microversion: one function per resource, which adds and hides fields. No I/O.

pub mod flavors;
pub mod hypervisors;
pub mod keypairs;
pub mod server_groups;
pub mod servers;

use http_kit::{Microversion, Request};
use serde::Serialize;
use serde_json::Value;

/// Where links begin, and the microversion to render in.
#[derive(Debug, Clone)]
pub struct Look {
    /// The microversion.
    pub version: Microversion,
    /// `http://host/compute/v2.1`.
    pub base_url: String,
    /// `http://host/compute`.
    pub bookmark_url: String,
}

impl Look {
    /// That of the answer to `request`.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self { version: request.version, base_url: request.base_url(), bookmark_url: request.bookmark_url() }
    }

    /// Whether the microversion is 2.`minor` or later.
    #[must_use]
    pub fn since(&self, minor: u16) -> bool {
        self.version.at_least(2, minor)
    }

    /// `self` and `bookmark` of something.
    #[must_use]
    pub fn links(&self, collection: &str, id: &str) -> [Link; 2] {
        [Link { rel: "self", href: format!("{}/{collection}/{id}", self.base_url) }, self.bookmark(collection, id)]
    }

    /// `bookmark` of something.
    #[must_use]
    pub fn bookmark(&self, collection: &str, id: &str) -> Link {
        Link { rel: "bookmark", href: format!("{}/{collection}/{id}", self.bookmark_url) }
    }
}

/// A link.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    rel: &'static str,
    href: String,
}

/// `{"id", "links"}`: how one resource refers to another.
#[derive(Debug, Clone, Serialize)]
pub struct Reference<'a> {
    id: &'a str,
    links: [Link; 1],
}

impl<'a> Reference<'a> {
    fn new(look: &Look, collection: &str, id: &'a str) -> Self {
        Self { id, links: [look.bookmark(collection, id)] }
    }
}

/// Sets the field `name` of an object; nothing happens to what is none.
pub(crate) fn set(view: &mut Value, name: &str, value: impl Serialize) {
    if let (Some(fields), Ok(value)) = (view.as_object_mut(), serde_json::to_value(value)) {
        fields.insert(name.to_owned(), value);
    }
}
