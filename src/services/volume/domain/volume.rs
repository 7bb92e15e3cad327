//! A volume, its attachments, and how the two move each other.
//!
//! ```text
//!   creating ──▶ available ──reserve──▶ reserved ──connect──▶ attaching ──complete──▶ in-use ──begin──▶ detaching
//!      │            ▲  │                    │                     │                     ▲   ◀──roll───────┘
//!      ▼            │  └──▶ deleting        └───── the last attachment goes ────────────┼──▶ available
//!    error ─────────┴──▶ deleting                                                       │
//! ```

use std::collections::BTreeMap;

use bus::topics::volume::ConnectionInfo;
use kit::ids::{AttachmentId, HostId, ImageId, ProjectId, ServerId, UserId, VolumeId};
use kit::{Fault, RequestContext, Timestamp};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Cinder's word, which is also the form in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The state that `text` names.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// Where a volume stands.
    Status {
        /// Being made.
        Creating = "creating",
        /// Being filled from an image.
        Downloading = "downloading",
        /// Free.
        Available = "available",
        /// Taken by a server, nothing done yet.
        Reserved = "reserved",
        /// Being attached.
        Attaching = "attaching",
        /// A server has it.
        InUse = "in-use",
        /// Being detached.
        Detaching = "detaching",
        /// Being deleted.
        Deleting = "deleting",
        /// It could not be made.
        Error = "error",
        /// It could not be deleted.
        ErrorDeleting = "error_deleting",
    }
}

words! {
    /// Where an attachment stands.
    AttachmentStatus {
        /// No host yet.
        Reserved = "reserved",
        /// A host connects it.
        Attaching = "attaching",
        /// The guest has it.
        Attached = "attached",
    }
}

/// A volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The user who made it.
    pub user_id: UserId,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Size in GiB.
    pub size_gb: i64,
    /// Where it stands.
    pub status: Status,
    /// Its type, by id and name.
    pub volume_type: (String, String),
    /// Where it is.
    pub availability_zone: String,
    /// Whether a server can boot from it.
    pub bootable: bool,
    /// Whether several servers can have it at once.
    pub multiattach: bool,
    /// The image that it is made from.
    pub image_id: Option<ImageId>,
    /// What is known about that image.
    pub image_metadata: BTreeMap<String, String>,
    /// Its own metadata.
    pub metadata: BTreeMap<String, String>,
    /// Host and backend that keep it.
    pub place: Option<(HostId, String)>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Who has it.
    pub attachments: Vec<Attachment>,
}

/// A volume's attachment.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Which volume.
    pub volume_id: VolumeId,
    /// Which server.
    pub server_id: Option<ServerId>,
    /// Where it stands.
    pub status: AttachmentStatus,
    /// From which host.
    pub host: Option<HostId>,
    /// What the guest calls it.
    pub device: Option<String>,
    /// How it is reached.
    pub connection: Option<ConnectionInfo>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the guest had it.
    pub attached_at: Option<Timestamp>,
}

impl Volume {
    /// Whether the caller may know that it exists.
    pub fn is_visible_to(&self, context: &RequestContext) -> bool {
        context.is_admin() || context.project_id() == Some(&self.project_id)
    }

    /// Whether it may be deleted.
    ///
    /// # Errors
    /// 400 in Cinder's words.
    pub fn check_delete(&self) -> Result<(), Fault> {
        if matches!(self.status, Status::Available | Status::Error | Status::ErrorDeleting)
            && self.attachments.is_empty()
        {
            return Ok(());
        }
        Err(Fault::bad_request(
            "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and \
             must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from \
             snapshots after volume transfer.",
        ))
    }

    /// Whether it may be reserved for another attachment.
    ///
    /// # Errors
    /// 400 in Cinder's words.
    pub fn check_reserve(&self) -> Result<(), Fault> {
        match self.status {
            Status::Available => Ok(()),
            Status::InUse if self.multiattach => Ok(()),
            status => Err(Fault::bad_request(format!(
                "Invalid volume: Volume {} status must be available or downloading to reserve, but the current status is {}.",
                self.id,
                status.as_str()
            ))),
        }
    }
}

/// What a volume is once its attachments are these: what they say taken together.
pub fn status_of(attachments: &[Attachment]) -> Status {
    let any = |status| attachments.iter().any(|attachment| attachment.status == status);
    if any(AttachmentStatus::Attached) {
        Status::InUse
    } else if any(AttachmentStatus::Attaching) {
        Status::Attaching
    } else if any(AttachmentStatus::Reserved) {
        Status::Reserved
    } else {
        Status::Available
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(status: Status, multiattach: bool) -> Volume {
        Volume {
            id: "v".into(),
            project_id: "p".into(),
            user_id: "u".into(),
            name: None,
            description: None,
            size_gb: 1,
            status,
            volume_type: ("t".to_owned(), "t".to_owned()),
            availability_zone: "nova".to_owned(),
            bootable: false,
            multiattach,
            image_id: None,
            image_metadata: BTreeMap::new(),
            metadata: BTreeMap::new(),
            place: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
            attachments: Vec::new(),
        }
    }

    const ALL: &[Status] = &[
        Status::Creating,
        Status::Downloading,
        Status::Available,
        Status::Reserved,
        Status::Attaching,
        Status::InUse,
        Status::Detaching,
        Status::Deleting,
        Status::Error,
        Status::ErrorDeleting,
    ];

    #[test]
    fn only_free_volumes_are_reserved_and_only_idle_ones_deleted() {
        for status in ALL {
            assert_eq!(Status::parse(status.as_str()), Some(*status));
            assert_eq!(volume(*status, false).check_reserve().is_ok(), *status == Status::Available, "{status:?}");
            let shared = matches!(status, Status::Available | Status::InUse);
            assert_eq!(volume(*status, true).check_reserve().is_ok(), shared, "{status:?}");
            let idle = matches!(status, Status::Available | Status::Error | Status::ErrorDeleting);
            assert_eq!(volume(*status, false).check_delete().is_ok(), idle, "{status:?}");
        }
    }
}
