//! Topic `image`: what Glance answers compute and volume.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kit::ids::{ImageId, ProjectId};
use serde::{Deserialize, Serialize};

use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "image";

rpc! { TOPIC:
    GetImage => Image,
}

/// An image's metadata and where its bytes are. 404 where the caller may not see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetImage {
    /// Which image.
    pub image_id: ImageId,
}

/// An image, as compute and volume need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// `queued`, `saving`, `active`, `deactivated`, …: only `active` ones have bytes to use.
    pub status: String,
    /// The project that owns it.
    pub owner: Option<ProjectId>,
    /// `qcow2`, `raw`, …, as its owner declared it.
    pub disk_format: Option<String>,
    /// `bare`, ….
    pub container_format: Option<String>,
    /// How many bytes there are.
    pub size_bytes: u64,
    /// How large the disk in it is, where the format says so.
    pub virtual_size_bytes: Option<u64>,
    /// The smallest disk that it fits on, in GiB.
    pub min_disk_gb: u64,
    /// The least memory that it runs with, in MiB.
    pub min_ram_mb: u64,
    /// SHA-512 of its bytes, in hexadecimal; present once active.
    pub sha512: Option<String>,
    /// Custom properties, such as `hw_disk_bus`.
    pub properties: BTreeMap<String, String>,
    /// Where its bytes are; present once active.
    pub location: Option<ImageLocation>,
}

/// Where an image's bytes are. They never travel on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageLocation {
    /// A file of the image store; `url` serves the same bytes to a host that has no such file.
    File {
        /// The file on the host of the image store.
        path: PathBuf,
        /// `…/image/v2/images/{id}/file`, to be asked with the caller's token.
        url: String,
    },
}
