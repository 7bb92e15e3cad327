//! Topic `image`: what Glance answers compute and volume, and takes from them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kit::ids::{ImageId, ProjectId};
use serde::{Deserialize, Serialize};

use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "image";

rpc! { TOPIC:
    GetImage        => Image,
    CreateSnapshot  => (),
    ReceiveFile     => Reception,
    DiscardSnapshot => (),
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

/// Makes the image that a server's snapshot becomes: `queued`, owned by the caller's project. Asking again with the same id
/// changes nothing. 413 where the quota does not allow one more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateSnapshot {
    /// The id that it is to have: made by the caller, so that a repeated request makes no second one.
    pub image_id: ImageId,
    /// Its name.
    pub name: String,
    /// The project of the server, where that is not the caller's: it becomes a member of the image.
    pub shared_with: Option<ProjectId>,
    /// The smallest disk that it will fit on, in GiB.
    pub min_disk_gb: u64,
    /// The least memory that it will run with, in MiB.
    pub min_ram_mb: u64,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
}

/// Fills a queued image with the bytes of a file, which are inspected as any upload is. It answers when the image is active:
/// give it time. Asking again after that answers the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceiveFile {
    /// Which image. 404 where it has been deleted.
    pub image_id: ImageId,
    /// The file, on the host of the caller.
    pub path: PathBuf,
    /// What its bytes are.
    pub disk_format: String,
    /// What is around them.
    pub container_format: String,
    /// Custom properties that are known by now.
    pub properties: BTreeMap<String, String>,
}

/// What became of a file that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reception {
    /// The image is active.
    Taken,
    /// There is no such file on the host of the image store: its bytes are to be sent (`PUT`) to this URL with the user's token.
    SendTo(String),
}

/// Deletes an image that nothing came of; fine when there is none any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiscardSnapshot {
    /// Which.
    pub image_id: ImageId,
}
