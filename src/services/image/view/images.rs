//! An image as Glance shows it: flat, with the custom properties among the others.

use kit::time::seconds_z;
use serde_json::{Map, Value, json};

use crate::domain::image::Image;

/// The image's body.
pub fn image(image: &Image) -> Value {
    let mut body: Map<String, Value> =
        image.properties.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let link = format!("/v2/images/{}", image.id);
    let base = json!({
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility.as_str(),
        "size": image.size,
        "virtual_size": image.virtual_size,
        "status": image.status.as_str(),
        "checksum": image.checksum,
        "protected": image.protected,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "owner": image.owner,
        "os_hidden": image.os_hidden,
        "os_hash_algo": image.sha512.as_ref().map(|_| "sha512"),
        "os_hash_value": image.sha512,
        "id": image.id,
        "created_at": seconds_z(image.created_at),
        "updated_at": seconds_z(image.updated_at),
        "tags": image.tags,
        "file": format!("{link}/file"),
        "self": link,
        "schema": "/v2/schemas/image",
    });
    if let Value::Object(base) = base {
        body.extend(base);
    }
    let notes = &image.import;
    let stores = (!image.stores.is_empty()).then(|| image.stores.join(","));
    let sometimes = [
        ("stores", stores),
        ("os_glance_import_task", notes.task.clone()),
        ("os_glance_importing_to_stores", notes.importing_to.clone()),
        ("os_glance_failed_import", notes.failed.clone()),
    ];
    body.extend(sometimes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    Value::Object(body)
}
