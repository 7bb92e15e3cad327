//! Topic `metadata`: what a guest is told about itself, over 169.254.169.254 or its config drive.
//! Both come from one renderer, so that they always say the same.

use kit::ids::{PortId, ServerId};
use serde::{Deserialize, Serialize};

use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "metadata";

rpc! { TOPIC:
    AnswerMetadata    => MetadataAnswer,
    RenderConfigDrive => Vec<MetadataFile>,
}

/// A guest's HTTP request to the metadata service. The agent has found out from whom it came by its network
/// and source address; nothing the guest writes into its headers counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerMetadata {
    /// The server that asks.
    pub server_id: ServerId,
    /// The port that it asks through.
    pub port_id: PortId,
    /// `GET`, `POST`, `PUT`, ….
    pub method: String,
    /// The path, such as `/openstack/latest/meta_data.json`.
    pub path: String,
    /// The body, at most 16 KiB.
    pub body: Vec<u8>,
}

/// The answer to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// All files of a server's config drive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenderConfigDrive {
    /// Which.
    pub server_id: ServerId,
}

/// One file of a config drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataFile {
    /// Its path below the drive's root, such as `openstack/latest/meta_data.json`.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
}
