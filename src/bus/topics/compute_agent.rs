//! Topic `compute` on a host: what the host's compute agent does. All casts but the console's;
//! one task per server takes them in order.

use std::path::PathBuf;

use kit::ids::{AttachmentId, ServerId, VolumeId};
use serde::{Deserialize, Serialize};

use super::compute_types::RebootKind;
use crate::rpc;

/// The topic's name. Targets name a host.
pub const TOPIC: &str = "compute";

rpc! { TOPIC:
    BuildInstance     => (),
    TerminateInstance => (),
    StartInstance     => (),
    StopInstance      => (),
    RebootInstance    => (),
    AttachVolume      => (),
    DetachVolume      => (),
    SnapshotInstance  => (),
    GetConsoleOutput  => String,
    GetVncEndpoint    => ConsoleEndpoint,
    GetSerialEndpoint => ConsoleEndpoint,
}

/// Build and start a server; the host has been claimed for it. Cast by the scheduler (step B7 of a boot).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildInstance {
    /// Which.
    pub server_id: ServerId,
}

/// Take a server down and give back everything that it had. Stops a build that is under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TerminateInstance {
    /// Which.
    pub server_id: ServerId,
}

/// Start a server that is off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartInstance {
    /// Which.
    pub server_id: ServerId,
}

/// Shut a server down: the guest is asked to, and cut off when it does not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StopInstance {
    /// Which.
    pub server_id: ServerId,
}

/// Reboot a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RebootInstance {
    /// Which.
    pub server_id: ServerId,
    /// How.
    pub kind: RebootKind,
}

/// Attach a volume, which has been reserved and whose mapping exists, to a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttachVolume {
    /// To which.
    pub server_id: ServerId,
    /// Which volume.
    pub volume_id: VolumeId,
    /// The mapping's number.
    pub block_device_id: i64,
    /// The reservation.
    pub attachment_id: AttachmentId,
    /// `/dev/vdb`, ….
    pub device_name: String,
}

/// Detach a volume from a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DetachVolume {
    /// From which.
    pub server_id: ServerId,
    /// Which volume.
    pub volume_id: VolumeId,
    /// Its attachment.
    pub attachment_id: AttachmentId,
}

/// Copy a server's root disk into the image that the server's row names, which exists and is queued.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SnapshotInstance {
    /// Which.
    pub server_id: ServerId,
}

/// The end of what a server wrote to its serial console.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetConsoleOutput {
    /// Which.
    pub server_id: ServerId,
    /// How many lines at most; all when `None`.
    pub lines: Option<u64>,
}

/// Where a server's screen can be reached on its host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetVncEndpoint {
    /// Which.
    pub server_id: ServerId,
}

/// Where a server's serial console can be reached on its host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetSerialEndpoint {
    /// Which.
    pub server_id: ServerId,
}

/// Where a console listens: a screen in the RFB protocol, a serial console as it is, a tunnel's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsoleEndpoint {
    /// A unix socket on the host.
    Unix(PathBuf),
    /// A port on the host's loopback.
    Tcp(u16),
}
