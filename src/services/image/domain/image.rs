//! An image and its states.
//!
//! ```text
//!   queued ──upload──▶ saving ──complete──▶ active
//!      ▲                  │
//!      └──failed, cut off─┘
//! ```

use std::collections::BTreeMap;

use kit::ids::{ImageId, ProjectId};
use kit::{RequestContext, Timestamp};

/// Where an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No bytes yet.
    Queued,
    /// Bytes are coming in.
    Saving,
    /// Ready.
    Active,
}

impl Status {
    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Active => "active",
        }
    }

    /// The status that the database calls `text`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Saving, Self::Active].into_iter().find(|status| status.as_str() == text)
    }
}

/// An image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: Option<String>,
    /// The project that owns it.
    pub owner: Option<ProjectId>,
    /// Where it stands.
    pub status: Status,
    /// `public`, `community`, `shared` or `private`.
    pub visibility: String,
    /// Whether it cannot be deleted.
    pub protected: bool,
    /// Whether lists leave it out.
    pub os_hidden: bool,
    /// The declared format of the disk.
    pub disk_format: Option<String>,
    /// The declared format around it.
    pub container_format: Option<String>,
    /// The smallest disk that it fits on, in GiB.
    pub min_disk: i64,
    /// The least memory that it runs with, in MiB.
    pub min_ram: i64,
    /// How many bytes there are.
    pub size: Option<i64>,
    /// How large the disk in it is, in bytes.
    pub virtual_size: Option<i64>,
    /// MD5 in hexadecimal.
    pub checksum: Option<String>,
    /// SHA-512 in hexadecimal.
    pub sha512: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
    /// Tags, sorted.
    pub tags: Vec<String>,
}

impl Image {
    /// Whether the caller may know that it exists.
    pub fn is_visible_to(&self, context: &RequestContext) -> bool {
        context.is_admin() || matches!(self.visibility.as_str(), "public" | "community") || self.is_owned_by(context)
    }

    /// Whether it is the caller's project's.
    pub fn is_owned_by(&self, context: &RequestContext) -> bool {
        self.owner.is_some() && self.owner.as_ref() == context.project_id()
    }
}
