//! What clients may set, one attribute at a time: types, ranges, words.

use kit::Fault;
use serde_json::Value;

use super::image::Image;

/// The formats of a disk that can be declared.
const DISK_FORMATS: &[&str] = &["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"];
/// The formats around a disk that can be declared.
const CONTAINER_FORMATS: &[&str] = &["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];
/// Who can see an image.
const VISIBILITIES: &[&str] = &["community", "public", "private", "shared"];
/// What only the service sets.
const READ_ONLY: &[&str] = &[
    "status",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "size",
    "virtual_size",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "direct_url",
    "stores",
];
/// What has a meaning of its own and cannot be a custom property.
const RESERVED: &[&str] = &["deleted", "deleted_at", "is_public", "members", "locations"];
/// Names and property names are not longer.
const LONGEST: usize = 255;
/// The most custom properties, and the most tags.
pub const MOST: usize = 128;

/// Whether `name` is an attribute of every image, rather than a custom property.
pub fn is_base(name: &str) -> bool {
    matches!(
        name,
        "id" | "name"
            | "owner"
            | "visibility"
            | "protected"
            | "os_hidden"
            | "disk_format"
            | "container_format"
            | "min_disk"
            | "min_ram"
            | "tags"
    ) || READ_ONLY.contains(&name)
}

/// Sets the attribute or custom property `name` of `image` to `value`.
///
/// # Errors
/// 400 for a value of the wrong kind, 403 for what only the service sets.
pub fn set(image: &mut Image, name: &str, value: &Value) -> Result<(), Fault> {
    match name {
        "id" => return Err(Fault::forbidden("Attribute 'id' is read-only.")),
        "name" => image.name = optional_text(name, value)?,
        "owner" => image.owner = optional_text(name, value)?.map(Into::into),
        "visibility" => image.visibility = word(name, value, VISIBILITIES)?.unwrap_or_else(|| "shared".to_owned()),
        "protected" => image.protected = truth(name, value)?,
        "os_hidden" => image.os_hidden = truth(name, value)?,
        "disk_format" => image.disk_format = word(name, value, DISK_FORMATS)?,
        "container_format" => image.container_format = word(name, value, CONTAINER_FORMATS)?,
        "min_disk" => image.min_disk = count(name, value)?,
        "min_ram" => image.min_ram = count(name, value)?,
        "tags" => image.tags = tags(value)?,
        name if READ_ONLY.contains(&name) => return Err(Fault::forbidden(format!("Attribute '{name}' is read-only."))),
        name if RESERVED.contains(&name) => return Err(Fault::forbidden(format!("Attribute '{name}' is reserved."))),
        name if name.starts_with("os_glance") => {
            return Err(Fault::forbidden(format!("Attribute '{name}' is reserved.")));
        }
        name => set_property(image, name, value)?,
    }
    Ok(())
}

fn set_property(image: &mut Image, name: &str, value: &Value) -> Result<(), Fault> {
    if name.is_empty() || name.chars().count() > LONGEST {
        return Err(schema_error(&format!("the property name '{name}' must have 1 to {LONGEST} characters")));
    }
    let Value::String(text) = value else { return Err(wrong_type(value, "string")) };
    image.properties.insert(name.to_owned(), text.clone());
    if image.properties.len() > MOST {
        return Err(Fault::too_large(format!(
            "The limit has been exceeded on the number of allowed image properties. Attempted: {}, Maximum: {MOST}",
            image.properties.len()
        )));
    }
    Ok(())
}

/// Tags, sorted and each once.
fn tags(value: &Value) -> Result<Vec<String>, Fault> {
    let Value::Array(list) = value else { return Err(wrong_type(value, "array")) };
    let mut tags = list
        .iter()
        .map(|tag| match tag {
            Value::String(text) => tag_text(text),
            other => Err(wrong_type(other, "string")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    tags.sort();
    tags.dedup();
    if tags.len() > MOST {
        return Err(too_many_tags(tags.len()));
    }
    Ok(tags)
}

/// `text` as a tag.
///
/// # Errors
/// 400 when it is too long.
pub fn tag_text(text: &str) -> Result<String, Fault> {
    if text.chars().count() > LONGEST {
        return Err(schema_error(&format!("'{text}' is too long")));
    }
    Ok(text.to_owned())
}

/// More than [`MOST`] tags.
pub fn too_many_tags(count: usize) -> Fault {
    Fault::too_large(format!(
        "The limit has been exceeded on the number of allowed image tags. Attempted: {count}, Maximum: {MOST}"
    ))
}

fn optional_text(name: &str, value: &Value) -> Result<Option<String>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() > LONGEST => Err(schema_error(&format!("'{text}' is too long"))),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(schema_error(&format!("{} is not of type 'null', 'string' ({name})", python(value)))),
    }
}

fn word(name: &str, value: &Value, words: &[&str]) -> Result<Option<String>, Fault> {
    match value {
        Value::Null if name != "visibility" => Ok(None),
        Value::String(text) if words.contains(&text.as_str()) => Ok(Some(text.clone())),
        _ => {
            let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
            let none = if name == "visibility" { "" } else { "None, " };
            Err(schema_error(&format!("{} is not one of [{none}{list}]", python(value))))
        }
    }
}

fn truth(_: &str, value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| wrong_type(value, "boolean"))
}

fn count(_: &str, value: &Value) -> Result<i64, Fault> {
    match value.as_i64() {
        Some(number) if number < 0 => Err(schema_error(&format!("{number} is less than the minimum of 0"))),
        Some(number) if number > i64::from(i32::MAX) => {
            Err(schema_error(&format!("{number} is greater than the maximum of {}", i32::MAX)))
        }
        Some(number) => Ok(number),
        None => Err(wrong_type(value, "integer")),
    }
}

fn wrong_type(value: &Value, wanted: &str) -> Fault {
    schema_error(&format!("{} is not of type '{wanted}'", python(value)))
}

fn schema_error(what: &str) -> Fault {
    Fault::bad_request(format!("Provided object does not match schema 'image': {what}"))
}

/// `value` as Python writes it, since that is what Glance's clients are used to.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}
