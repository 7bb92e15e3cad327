//! Topic `volume-agent` on a host: what the host's volume agent does to the volumes themselves. Every verb can be repeated.

use kit::ids::{ImageId, VolumeId};
use serde::{Deserialize, Serialize};

use super::image::ImageLocation;
use super::volume::{ConnectionInfo, Connector};
use crate::rpc;

/// The topic's name. Targets name a host.
pub const TOPIC: &str = "volume-agent";

rpc! { TOPIC:
    EnsureVolume    => (),
    RemoveVolume    => (),
    ConnectVolume   => ConnectionInfo,
    DisconnectVolume => (),
}

/// A volume as the backend knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// Its id.
    pub id: VolumeId,
    /// Size in GiB.
    pub size_gb: u64,
}

/// Makes a volume and fills it; a half-made one from before is made anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnsureVolume {
    /// What.
    pub volume: VolumeSpec,
    /// With what.
    pub source: VolumeSource,
}

/// What a new volume holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// Zeroes.
    Blank,
    /// An image's disk, grown to the volume's size.
    Image {
        /// Which.
        image_id: ImageId,
        /// Its format.
        disk_format: String,
        /// Where its bytes are.
        location: ImageLocation,
        /// SHA-512 of them.
        sha512: Option<String>,
    },
}

/// Deletes a volume; fine when there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoveVolume {
    /// Which.
    pub volume_id: VolumeId,
}

/// Makes a volume reachable from a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectVolume {
    /// Which.
    pub volume: VolumeSpec,
    /// From where.
    pub connector: Connector,
    /// Whether for reading only.
    pub read_only: bool,
}

/// Undoes [`ConnectVolume`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DisconnectVolume {
    /// Which.
    pub volume_id: VolumeId,
    /// From where.
    pub connector: Connector,
}
