//! JSON schemas, as Glance gives them out: clients validate with them and read them for help.

use serde_json::{Map, Value, json};

use crate::domain::input::{CONTAINER_FORMATS, DISK_FORMATS};
use crate::domain::visibility::Visibility;

const UUID: &str = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// An image; what it does not name is a custom property, a text.
pub fn image() -> Value {
    json!({
        "name": "image",
        "properties": image_properties(),
        "additionalProperties": { "type": "string" },
        "links": [
            { "rel": "self", "href": "{self}" },
            { "rel": "enclosure", "href": "{file}" },
            { "rel": "describedby", "href": "{schema}" },
        ],
    })
}

/// A page of images.
pub fn images() -> Value {
    json!({
        "name": "images",
        "properties": {
            "images": { "type": "array", "items": image() },
            "first": { "type": "string" },
            "next": { "type": "string" },
            "schema": { "type": "string" },
        },
        "links": [
            { "rel": "first", "href": "{first}" },
            { "rel": "next", "href": "{next}" },
            { "rel": "describedby", "href": "{schema}" },
        ],
    })
}

/// A member of an image.
pub fn member() -> Value {
    json!({
        "name": "member",
        "properties": {
            "member_id": text("An identifier for the image member (tenantId)"),
            "image_id": { "type": "string", "description": "An identifier for the image", "pattern": UUID },
            "created_at": text("Date and time of image member creation"),
            "updated_at": text("Date and time of last modification of image member"),
            "status": {
                "type": "string",
                "description": "The status of this image member",
                "enum": ["pending", "accepted", "rejected"],
            },
            "schema": { "readOnly": true, "type": "string" },
        },
    })
}

/// The members of an image.
pub fn members() -> Value {
    collection("members", member())
}

/// A task.
pub fn task() -> Value {
    json!({ "name": "task", "properties": task_properties() })
}

/// A page of tasks, which say less each.
pub fn tasks() -> Value {
    let mut properties = task_properties();
    for name in ["input", "result", "message"] {
        properties.remove(name);
    }
    collection("tasks", json!({ "name": "task", "properties": properties }))
}

fn collection(name: &str, item: Value) -> Value {
    let items = json!({ "type": "array", "items": item });
    let properties: Map<String, Value> =
        [(name.to_owned(), items), ("schema".to_owned(), json!({ "type": "string" }))].into_iter().collect();
    json!({ "name": name, "properties": properties, "links": [{ "rel": "describedby", "href": "{schema}" }] })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn read_only(kind: Value, description: &str) -> Value {
    json!({ "type": kind, "readOnly": true, "description": description })
}

fn read_only_up_to(longest: usize, description: &str) -> Value {
    json!({ "type": ["null", "string"], "readOnly": true, "description": description, "maxLength": longest })
}

/// One of `words`, or nothing.
fn word(words: &[&str], description: &str) -> Value {
    let words: Vec<Value> = std::iter::once(Value::Null).chain(words.iter().map(|word| json!(word))).collect();
    json!({ "type": ["null", "string"], "description": description, "enum": words })
}

fn image_properties() -> Value {
    let optional =
        |description: &str| json!({ "type": ["null", "string"], "description": description, "maxLength": 255 });
    let truth = |description: &str| json!({ "type": "boolean", "description": description });
    let number = |description: &str| json!({ "type": "integer", "description": description });
    let mut properties = json!({
        "id": { "type": "string", "description": "An identifier for the image", "pattern": UUID },
        "name": optional("Descriptive name for the image"),
        "status": {
            "type": "string",
            "readOnly": true,
            "description": "Status of the image",
            "enum": [
                "queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete", "deactivated"
            ],
        },
        "visibility": {
            "type": "string", "description": "Scope of image accessibility", "enum": Visibility::names(),
        },
        "protected": truth("If true, image will not be deletable."),
        "os_hidden": truth("If true, image will not appear in default image list response."),
        "checksum": read_only_up_to(32, "md5 hash of image contents."),
        "os_hash_algo": read_only_up_to(64, "Algorithm to calculate the os_hash_value"),
        "os_hash_value": read_only_up_to(
            128, "Hexdigest of the image contents using the algorithm specified by the os_hash_algo"
        ),
        "owner": optional("Owner of the image"),
        "size": read_only(json!(["null", "integer"]), "Size of image file in bytes"),
        "virtual_size": read_only(json!(["null", "integer"]), "Virtual size of image in bytes"),
        "container_format": word(&CONTAINER_FORMATS, "Format of the container"),
        "disk_format": word(&DISK_FORMATS, "Format of the disk"),
        "created_at": read_only(json!("string"), "Date and time of image registration"),
        "updated_at": read_only(json!("string"), "Date and time of the last image modification"),
        "tags": {
            "type": "array",
            "description": "List of strings related to the image",
            "items": { "type": "string", "maxLength": 255 },
        },
        "direct_url": read_only(json!("string"), "URL to access the image file kept in external store"),
        "min_ram": number("Amount of ram (in MB) required to boot image."),
        "min_disk": number("Amount of disk space (in GB) required to boot image."),
        "self": read_only(json!("string"), "An image self url"),
        "file": read_only(json!("string"), "An image file url"),
        "stores": read_only(
            json!("string"),
            "Store in which image data resides.  Only present when the operator has enabled multiple stores.  May be a \
             comma-separated list of store identifiers."
        ),
        "schema": read_only(json!("string"), "An image schema url"),
    });
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("locations".to_owned(), locations());
    }
    properties
}

fn locations() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "url": { "type": "string", "maxLength": 255 },
                "metadata": { "type": "object" },
                "validation_data": {
                    "description": "Values to be used to populate the corresponding image properties. If the image status \
                                    is not 'queued', values must exactly match those already contained in the image \
                                    properties.",
                    "type": "object",
                    "writeOnly": true,
                    "additionalProperties": false,
                    "properties": {
                        "checksum": { "type": "string", "minLength": 32, "maxLength": 32 },
                        "os_hash_algo": { "type": "string", "maxLength": 64 },
                        "os_hash_value": { "type": "string", "maxLength": 128 },
                    },
                    "required": ["os_hash_algo", "os_hash_value"],
                },
            },
            "required": ["url", "metadata"],
        },
        "description": "A set of URLs to access the image file kept in external store",
    })
}

fn task_properties() -> Map<String, Value> {
    let blob = |description: &str| json!({ "description": description, "type": ["null", "object"] });
    let properties = json!({
        "id": { "description": "An identifier for the task", "pattern": UUID, "type": "string" },
        "type": {
            "description": "The type of task represented by this content",
            "enum": ["import", "api_image_import", "location_import"],
            "type": "string",
        },
        "status": {
            "description": "The current status of this task",
            "enum": ["pending", "processing", "success", "failure"],
            "type": "string",
        },
        "input": blob("The parameters required by task, JSON blob"),
        "result": blob("The result of current task, JSON blob"),
        "owner": text("An identifier for the owner of this task"),
        "message": text("Human-readable informative message only included when appropriate (usually on failure)"),
        "image_id": text("Image associated with the task"),
        "request_id": text("Human-readable informative request-id"),
        "user_id": text("User associated with the task"),
        "expires_at": {
            "description": "Datetime when this resource would be subject to removal", "type": ["null", "string"],
        },
        "created_at": text("Datetime when this resource was created"),
        "updated_at": text("Datetime when this resource was updated"),
        "self": { "readOnly": true, "type": "string" },
        "schema": { "readOnly": true, "type": "string" },
    });
    match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_images_is_as_long_as_the_reference_s() {
        // What a running Glance answers has 4,071 bytes, in Python's spacing: a blank after each comma and each colon
        // that is not in a text.
        let compact = image().to_string();
        let mut inside = false;
        let mut blanks = 0;
        for character in compact.chars() {
            match character {
                '"' => inside = !inside,
                ',' | ':' if !inside => blanks += 1,
                _ => {}
            }
        }
        assert_eq!(compact.len() + blanks, 4071);
        assert_eq!(images()["properties"]["images"]["items"], image());
        assert!(tasks()["properties"]["tasks"]["items"]["properties"].get("message").is_none());
    }
}
