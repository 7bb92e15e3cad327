//! Tasks: what is told of work that takes its time.

use kit::Timestamp;
use kit::ids::{ImageId, ProjectId, UserId};
use serde_json::Value;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Not begun.
    Pending,
    /// Under way.
    Processing,
    /// It did what it was to do.
    Success,
    /// It did nothing.
    Failure,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Success, Self::Failure];

    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// The status that is called `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Makes an image out of what an address serves: the old way to import.
    Import,
    /// Imports into an image that is there.
    ApiImageImport,
}

impl TaskKind {
    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::ApiImageImport => "api_image_import",
        }
    }

    /// The kind that is called `text`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Import, Self::ApiImageImport].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id, and its workflow's.
    pub id: String,
    /// What it does.
    pub kind: TaskKind,
    /// Where it stands.
    pub status: TaskStatus,
    /// The project that asked for it.
    pub owner: Option<ProjectId>,
    /// The image that it works on.
    pub image_id: Option<ImageId>,
    /// Who asked for it.
    pub user_id: Option<UserId>,
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// What was asked.
    pub input: Value,
    /// What came of it.
    pub result: Option<Value>,
    /// How far it is, or why it failed.
    pub message: String,
    /// When it is forgotten; set once it is over.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
