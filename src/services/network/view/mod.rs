//! How resources look in answers: one struct per resource, borrowing from the model; a file per resource.
//!
//! Attributes that only some may see (`provider:*`, `binding:*`) are left out by [`Audience`]. Attributes of parts of
//! Neutron that cloudbox does not have are there with the value that they have where nobody uses them, as on the reference.

pub mod agents;
pub mod extensions;
pub mod floatingips;
pub mod networks;
pub mod ports;
pub mod routers;
pub mod security_groups;
pub mod subnets;

use http_kit::Fields;
use kit::time::seconds_z;
use serde::Serialize;
use serde_json::Value;

use crate::domain::model::Standard;

/// Who is going to read an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    /// Whether attributes for administrators are shown.
    pub is_admin: bool,
}

/// What every resource shows.
#[derive(Debug, Serialize)]
pub struct StandardView<'m> {
    description: &'m str,
    tags: &'m [String],
    revision_number: i64,
    created_at: String,
    updated_at: String,
}

impl<'m> StandardView<'m> {
    /// What `standard` shows.
    #[must_use]
    pub fn of(standard: &'m Standard) -> Self {
        Self {
            description: &standard.description,
            tags: &standard.tags,
            revision_number: standard.revision_number,
            created_at: seconds_z(standard.created_at),
            updated_at: seconds_z(standard.updated_at),
        }
    }
}

/// A view with only the attributes that were asked for.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Shown<V> {
    /// All of them, serialised directly.
    All(V),
    /// Some of them.
    Some(Value),
}

impl<V: Serialize> Shown<V> {
    /// `view`, narrowed to `fields`.
    #[must_use]
    pub fn of(view: V, fields: &Fields) -> Self {
        if fields.is_all() {
            return Self::All(view);
        }
        // A view is an object with text keys, which serde_json can always represent.
        Self::Some(fields.of(serde_json::to_value(&view).unwrap_or_default()))
    }
}
