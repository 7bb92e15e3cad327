//! An image and its states.
//!
//! ```text
//!            ┌──upload──▶ saving ─────complete────────────────┐
//!   queued ──┼──stage───▶ uploading ──import──▶ importing ──▶ active ◀──▶ deactivated
//!      ▲     └──web-download──────────────────▶ importing
//!      └── failed, cut off: from saving, uploading, importing
//! ```

use std::collections::BTreeMap;

use kit::Timestamp;
use kit::ids::{ImageId, ProjectId};

use super::visibility::Visibility;

/// What the names of properties begin with that are the service's own: clients see them and cannot set them.
pub const OWN_PROPERTIES: &str = "os_glance";
/// Where an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No bytes yet.
    Queued,
    /// Bytes are coming in.
    Saving,
    /// Bytes are, or were, staged for an import.
    Uploading,
    /// An import is at work.
    Importing,
    /// Ready.
    Active,
    /// Its bytes are kept back.
    Deactivated,
}

impl Status {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Saving, Self::Uploading, Self::Importing, Self::Active, Self::Deactivated];

    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Uploading => "uploading",
            Self::Importing => "importing",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    /// The status that the database calls `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the bytes are all there, whoever may have them.
    pub fn has_bytes(self) -> bool {
        matches!(self, Self::Active | Self::Deactivated)
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
    /// Who sees it.
    pub visibility: Visibility,
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
    /// Custom properties, and the service's own ([`OWN_PROPERTIES`]).
    pub properties: BTreeMap<String, String>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// The stores that hold its bytes, in the order in which they got them.
    pub stores: Vec<String>,
    /// What is told of its import.
    pub import: ImportNotes,
}

/// What an image tells of its import, under way or over: Glance's `os_glance_*` properties, which only the service writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportNotes {
    /// The task that has the image; nothing else may be done to its bytes.
    pub task: Option<String>,
    /// The stores that are still to get its bytes, separated by commas. None: there never was an import.
    pub importing_to: Option<String>,
    /// The stores that did not get them.
    pub failed: Option<String>,
}

impl Image {
    /// A new image of `owner`, with nothing set.
    pub fn new(id: ImageId, owner: Option<ProjectId>, now: Timestamp) -> Self {
        Self {
            id,
            name: None,
            owner,
            status: Status::Queued,
            visibility: Visibility::Shared,
            protected: false,
            os_hidden: false,
            disk_format: None,
            container_format: None,
            min_disk: 0,
            min_ram: 0,
            size: None,
            virtual_size: None,
            checksum: None,
            sha512: None,
            created_at: now,
            updated_at: now,
            properties: BTreeMap::new(),
            tags: Vec::new(),
            stores: Vec::new(),
            import: ImportNotes::default(),
        }
    }

    /// How many custom properties it has, the service's own aside.
    pub fn custom_properties(&self) -> usize {
        self.properties.keys().filter(|name| !name.starts_with(OWN_PROPERTIES)).count()
    }
}
