//! A member of a shared image: a project that may see it, and what that project said to it.

use kit::ids::{ImageId, ProjectId};
use kit::{Fault, Timestamp};

/// The most members that an image has.
pub const MOST: i64 = 128;

/// What the member said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Nothing yet: it sees the image, but not in lists.
    Pending,
    /// The image is in its lists.
    Accepted,
    /// It does not want it in its lists.
    Rejected,
}

impl MemberStatus {
    const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Rejected];

    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// The status that Glance calls `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The image.
    pub image_id: ImageId,
    /// The project that it is shared with.
    pub member_id: ProjectId,
    /// What that project said.
    pub status: MemberStatus,
    /// When it was made a member.
    pub created_at: Timestamp,
    /// When it last said something.
    pub updated_at: Timestamp,
}

/// Whether an image with `count` members may have one more.
///
/// # Errors
/// 413 where it may not.
pub fn check_count(image_id: &ImageId, count: i64) -> Result<(), Fault> {
    if count < MOST {
        return Ok(());
    }
    Err(Fault::too_large(format!(
        "Image member limit exceeded for image {image_id}: The limit has been exceeded on the number of allowed image \
         members for this image. Attempted: {}, Maximum: {MOST}:",
        count + 1
    )))
}
