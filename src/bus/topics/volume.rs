//! Topic `volume`: what Cinder answers compute, and its agents.

use std::path::PathBuf;

use kit::ids::{AttachmentId, HostId, ImageId, ProjectId, ServerId, UserId, VolumeId};
use serde::{Deserialize, Serialize};

use super::volume_agent::VolumeSpec;
use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "volume";

rpc! { TOPIC:
    GetVolume           => Volume,
    CreateVolume        => Volume,
    ReserveVolume       => AttachmentId,
    AttachVolume        => Attachment,
    CompleteAttachment  => (),
    BeginDetaching      => (),
    RollDetaching       => (),
    DetachVolume        => (),
    DeleteVolume        => (),
    RegisterVolumeAgent => Vec<VolumeSpec>,
}

/// One volume. 404 where the caller may not see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetVolume {
    /// Which.
    pub volume_id: VolumeId,
}

/// A volume, as compute needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Its name.
    pub name: Option<String>,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// Size in GiB.
    pub size_gb: u64,
    /// `creating`, `available`, `reserved`, `in-use`, `error`, ….
    pub status: String,
    /// Whether a server can boot from it.
    pub bootable: bool,
    /// Whether several servers can have it at once.
    pub multiattach: bool,
    /// Where it is.
    pub availability_zone: String,
    /// The image that it was made from.
    pub image_id: Option<ImageId>,
    /// Properties of that image, and its `min_ram`, `min_disk`, ….
    pub image_metadata: std::collections::BTreeMap<String, String>,
}

/// Makes a volume for a server that boots from one, or gets a blank one with it. Asking again with the
/// same id answers the one that there is. It answers once the row is there; `GetVolume` says when it is `available`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateVolume {
    /// The id that it is to have: made by the caller, so that a repeated request makes no second one.
    pub volume_id: VolumeId,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The user for whom it is made.
    pub user_id: UserId,
    /// Its name; may be empty.
    pub name: String,
    /// Size in GiB.
    pub size_gb: u64,
    /// The image to fill it with.
    pub image_id: Option<ImageId>,
    /// The snapshot to fill it with.
    pub snapshot_id: Option<String>,
    /// Its type.
    pub volume_type: Option<String>,
    /// Where.
    pub availability_zone: Option<String>,
}

/// Marks a volume as taken by a server, before anything is done on a host. Conflict when it is taken already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReserveVolume {
    /// Which.
    pub volume_id: VolumeId,
    /// By which server.
    pub server_id: ServerId,
}

/// Connects a volume to a host for a server (step B14 of a boot). With `attachment_id` it takes up that
/// reservation; without, it reserves first. Asking again answers the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttachVolume {
    /// Which.
    pub volume_id: VolumeId,
    /// For which server.
    pub server_id: ServerId,
    /// The reservation.
    pub attachment_id: Option<AttachmentId>,
    /// The host that is to reach it.
    pub connector: Connector,
    /// `/dev/vdb`, ….
    pub device: Option<String>,
}

/// The host that is to reach a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// Its name.
    pub host: HostId,
}

/// A volume connected to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Which volume.
    pub volume_id: VolumeId,
    /// How it is reached from the connector's host.
    pub connection: ConnectionInfo,
}

/// How a volume is reached. Cinder's `connection_info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "driver_volume_type")]
pub enum ConnectionInfo {
    /// A file on the host.
    File {
        /// Where.
        path: PathBuf,
        /// `raw` or `qcow2`.
        format: String,
        /// Size in GiB.
        size_gb: u64,
        /// Whether the guest may not write.
        read_only: bool,
    },
}

/// The guest has the volume now: it is `in-use`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompleteAttachment {
    /// Which.
    pub attachment_id: AttachmentId,
    /// What the guest calls it.
    pub device: Option<String>,
}

/// A volume is about to be detached: `in-use` → `detaching`. Conflict in any other state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BeginDetaching {
    /// Which.
    pub volume_id: VolumeId,
}

/// The detaching did not happen: `detaching` → `in-use`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollDetaching {
    /// Which.
    pub volume_id: VolumeId,
}

/// Ends an attachment or a reservation; fine when there is none any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DetachVolume {
    /// Which.
    pub attachment_id: AttachmentId,
}

/// Deletes a volume that goes with its server; fine when there is none any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteVolume {
    /// Which.
    pub volume_id: VolumeId,
}

/// A volume agent is there, with this to offer; it is told which volumes it should have. Also the heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegisterVolumeAgent {
    /// Its host.
    pub host: HostId,
    /// The backend's name, such as `file`.
    pub backend: String,
    /// Room in all, in GiB.
    pub total_gb: u64,
    /// Room left, in GiB.
    pub free_gb: u64,
    /// Whether the agent has just started, and nothing is under way there.
    pub starting: bool,
}
