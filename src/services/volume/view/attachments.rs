//! An attachment of the attachments API.

use kit::time::micros_naive;
use serde_json::{Value, json};

use crate::domain::volume::Attachment;

/// In a list.
pub fn summary(attachment: &Attachment) -> Value {
    json!({
        "id": attachment.id,
        "volume_id": attachment.volume_id,
        "instance": attachment.server_id,
        "status": attachment.status.as_str(),
    })
}

/// On its own.
pub fn detail(attachment: &Attachment) -> Value {
    let connection = attachment.connection.as_ref().and_then(|connection| serde_json::to_value(connection).ok());
    json!({
        "id": attachment.id,
        "volume_id": attachment.volume_id,
        "instance": attachment.server_id,
        "status": attachment.status.as_str(),
        "attach_mode": "rw",
        "attached_at": attachment.attached_at.map(micros_naive).unwrap_or_default(),
        "detached_at": "",
        "connection_info": connection.unwrap_or_else(|| json!({})),
    })
}
