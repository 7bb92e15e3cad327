//! A volume type.

use serde_json::{Value, json};

use crate::db::types::VolumeType;

/// The type's body.
pub fn volume_type(volume_type: &VolumeType) -> Value {
    json!({
        "id": volume_type.id,
        "name": volume_type.name,
        "is_public": volume_type.is_public,
        "description": volume_type.description,
        "extra_specs": volume_type.extra_specs,
        "qos_specs_id": null,
        "os-volume-type-access:is_public": volume_type.is_public,
    })
}
