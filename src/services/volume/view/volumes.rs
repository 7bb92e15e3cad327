//! A volume, by microversion.

use http_kit::{Microversion, Request};
use kit::time::micros_naive;
use serde_json::{Map, Value, json};

use crate::domain::volume::{AttachmentStatus, Volume};

/// How a volume is shown.
pub struct Viewer {
    version: Microversion,
    base: String,
    bookmark: String,
    sees_host: bool,
}

impl Viewer {
    /// For the answer to `request`.
    pub fn of(request: &Request) -> Self {
        // Links repeat the project's id where the request's path had it.
        let project = request.context.project_id().map(|id| format!("/{id}"));
        let prefix = request.path.strip_prefix("/volume/v3").unwrap_or_default();
        let project = project.filter(|project| prefix.starts_with(project.as_str())).unwrap_or_default();
        Self {
            version: request.version,
            base: format!("{}{project}", request.base_url()),
            bookmark: format!("{}{project}", request.bookmark_url()),
            sees_host: request.context.is_admin(),
        }
    }

    fn links(&self, volume: &Volume) -> Value {
        json!([
            { "rel": "self", "href": format!("{}/volumes/{}", self.base, volume.id) },
            { "rel": "bookmark", "href": format!("{}/volumes/{}", self.bookmark, volume.id) },
        ])
    }

    /// In a short list.
    pub fn summary(&self, volume: &Volume) -> Value {
        json!({ "id": volume.id, "name": volume.name, "links": self.links(volume) })
    }

    /// As it is answered when it has just been asked for.
    pub fn created(&self, volume: &Volume) -> Value {
        Value::Object(self.common(volume))
    }

    /// In full.
    pub fn detail(&self, volume: &Volume) -> Value {
        let mut body = self.common(volume);
        body.insert("os-vol-tenant-attr:tenant_id".to_owned(), json!(volume.project_id));
        if self.sees_host {
            let host = volume.place.as_ref().map(|(host, backend)| format!("{host}@{backend}#{backend}"));
            body.insert("os-vol-mig-status-attr:migstat".to_owned(), Value::Null);
            body.insert("os-vol-mig-status-attr:name_id".to_owned(), Value::Null);
            body.insert("os-vol-host-attr:host".to_owned(), json!(host));
        }
        if !volume.image_metadata.is_empty() && volume.bootable {
            body.insert("volume_image_metadata".to_owned(), json!(volume.image_metadata));
        }
        Value::Object(body)
    }

    fn common(&self, volume: &Volume) -> Map<String, Value> {
        let body = json!({
            "id": volume.id,
            "status": volume.status.as_str(),
            "size": volume.size_gb,
            "availability_zone": volume.availability_zone,
            "created_at": micros_naive(volume.created_at),
            "updated_at": volume.updated_at.map(micros_naive),
            "name": volume.name,
            "description": volume.description,
            "volume_type": volume.volume_type.1,
            "snapshot_id": null,
            "source_volid": null,
            "metadata": volume.metadata,
            "links": self.links(volume),
            "user_id": volume.user_id,
            "bootable": if volume.bootable { "true" } else { "false" },
            "encrypted": false,
            "replication_status": null,
            "consistencygroup_id": null,
            "multiattach": volume.multiattach,
            "attachments": self.attachments(volume),
            "migration_status": null,
        });
        let Value::Object(mut body) = body else { return Map::new() };
        let mut since = |major, minor, name: &str, value: Value| {
            if self.version.at_least(major, minor) {
                body.insert(name.to_owned(), value);
            }
        };
        since(3, 13, "group_id", Value::Null);
        if self.sees_host {
            since(3, 21, "provider_id", Value::Null);
            since(3, 61, "cluster_name", Value::Null);
        }
        since(3, 48, "shared_targets", if self.version.at_least(3, 69) { Value::Null } else { json!(false) });
        since(3, 48, "service_uuid", Value::Null);
        since(3, 63, "volume_type_id", json!(volume.volume_type.0));
        since(3, 65, "consumes_quota", json!(true));
        body
    }

    fn attachments(&self, volume: &Volume) -> Vec<Value> {
        let attached = volume.attachments.iter().filter(|attachment| attachment.status == AttachmentStatus::Attached);
        attached
            .map(|attachment| {
                json!({
                    "id": volume.id,
                    "attachment_id": attachment.id,
                    "volume_id": volume.id,
                    "server_id": attachment.server_id,
                    "host_name": if self.sees_host { json!(attachment.host) } else { Value::Null },
                    "device": attachment.device,
                    "attached_at": attachment.attached_at.map(micros_naive),
                })
            })
            .collect()
    }
}
