//! What clients may set, one attribute at a time: types, ranges, words.

use kit::Fault;
use serde_json::Value;

use super::image::{Image, OWN_PROPERTIES, Status};
use super::visibility::Visibility;

/// The formats of a disk that can be declared.
pub const DISK_FORMATS: [&str; 11] =
    ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"];
/// The formats around a disk that can be declared.
pub const CONTAINER_FORMATS: [&str; 8] = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];
/// What only the service sets, besides the id, which can be chosen for a new image.
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
const RESERVED: &[&str] = &["location", "deleted", "deleted_at"];
/// What clients may set on every image.
const BASE: &[&str] = &[
    "name",
    "owner",
    "visibility",
    "protected",
    "os_hidden",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "tags",
    "locations",
];
/// Names and property names are not longer.
const LONGEST: usize = 255;
/// The most custom properties, and the most tags.
pub const MOST: usize = 128;

/// Whether `name` is an attribute of every image, rather than a custom property.
pub fn is_base(name: &str) -> bool {
    BASE.contains(&name)
}

/// Refuses what clients never change.
///
/// # Errors
/// 403.
pub fn check_may_change(name: &str) -> Result<(), Fault> {
    if name == "id" || READ_ONLY.contains(&name) {
        return Err(Fault::forbidden(format!("Attribute '{name}' is read-only.")));
    }
    if RESERVED.contains(&name) || name.starts_with(OWN_PROPERTIES) {
        return Err(Fault::forbidden(format!("Attribute '{name}' is reserved.")));
    }
    Ok(())
}

/// Sets the attribute or custom property `name` of `image` to `value`.
///
/// # Errors
/// 400 for a value of the wrong kind, 403 for what clients do not set, or not in the image's status.
pub fn set(image: &mut Image, name: &str, value: &Value) -> Result<(), Fault> {
    check_may_change(name)?;
    match name {
        "name" => image.name = optional_text(name, value)?,
        "owner" => image.owner = optional_text(name, value)?.map(Into::into),
        "visibility" => image.visibility = visibility(value)?,
        "protected" => image.protected = truth(value)?,
        "os_hidden" => image.os_hidden = truth(value)?,
        "disk_format" => {
            let format = word(value, &DISK_FORMATS)?;
            check_format_may_change(image, name)?;
            image.disk_format = format;
        }
        "container_format" => {
            let format = word(value, &CONTAINER_FORMATS)?;
            check_format_may_change(image, name)?;
            image.container_format = format;
        }
        "min_disk" => image.min_disk = count(name, value)?,
        "min_ram" => image.min_ram = count(name, value)?,
        "tags" => image.tags = tags(value)?,
        "locations" => return Err(Fault::forbidden("Attribute 'locations' is reserved.")),
        name => set_property(image, name, value)?,
    }
    Ok(())
}

/// Refuses an image with too many custom properties.
///
/// # Errors
/// 413.
pub fn check_properties(image: &Image) -> Result<(), Fault> {
    let count = image.custom_properties();
    if count > MOST {
        return Err(Fault::too_large(format!(
            "The limit has been exceeded on the number of allowed image properties. Attempted: {count}, Maximum: {MOST}"
        )));
    }
    Ok(())
}

fn check_format_may_change(image: &Image, name: &str) -> Result<(), Fault> {
    if matches!(image.status, Status::Queued | Status::Importing) {
        return Ok(());
    }
    Err(Fault::forbidden(format!("Attribute {name} can be only replaced for a queued image.")))
}

fn set_property(image: &mut Image, name: &str, value: &Value) -> Result<(), Fault> {
    let Value::String(text) = value else { return Err(wrong_type(value, "string")) };
    if name.chars().count() > LONGEST {
        return Err(Fault::bad_request("Custom property should not be greater than 255 characters."));
    }
    image.properties.insert(name.to_owned(), text.clone());
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
    check_tags(tags.len())?;
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

/// Refuses more than [`MOST`] tags.
///
/// # Errors
/// 413.
pub fn check_tags(count: usize) -> Result<(), Fault> {
    if count > MOST {
        return Err(Fault::too_large(format!(
            "The limit has been exceeded on the number of allowed image tags. Attempted: {count}, Maximum: {MOST}"
        )));
    }
    Ok(())
}

fn optional_text(name: &str, value: &Value) -> Result<Option<String>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() > LONGEST => Err(schema_error(&format!("'{text}' is too long"))),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(schema_error(&format!("{} is not of type 'null', 'string' ({name})", python(value)))),
    }
}

fn visibility(value: &Value) -> Result<Visibility, Fault> {
    let parsed = value.as_str().and_then(Visibility::parse);
    parsed.ok_or_else(|| not_one_of(value, "", &Visibility::names()))
}

fn word(value: &Value, words: &[&str]) -> Result<Option<String>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if words.contains(&text.as_str()) => Ok(Some(text.clone())),
        _ => Err(not_one_of(value, "None, ", words)),
    }
}

fn not_one_of(value: &Value, first: &str, words: &[&str]) -> Fault {
    let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    schema_error(&format!("{} is not one of [{first}{list}]", python(value)))
}

fn truth(value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| wrong_type(value, "boolean"))
}

fn count(name: &str, value: &Value) -> Result<i64, Fault> {
    let number = value.as_i64().ok_or_else(|| wrong_type(value, "integer"))?;
    let wrong = match number {
        ..0 => "Cannot be a negative value",
        number if number > i64::from(i32::MAX) => "Value exceeds the largest that can be stored, 2147483647",
        _ => return Ok(number),
    };
    Err(Fault::bad_request(format!("Invalid value '{number}' for parameter '{name}': {wrong}")))
}

/// `value` is of another type than `wanted`.
pub fn wrong_type(value: &Value, wanted: &str) -> Fault {
    schema_error(&format!("{} is not of type '{wanted}'", python(value)))
}

/// What clients sent does not fit the schema of images.
pub fn schema_error(what: &str) -> Fault {
    Fault::bad_request(format!("Provided object does not match schema 'image': {what}"))
}

/// `value` as Python writes it, since that is what Glance's clients are used to.
pub fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}
