//! Glance's JSON patches: `add`, `replace` and `remove` of one attribute at a time, in the two ways of writing them.
//!
//! A patch is read and checked before the image is looked at, and then applied as a whole or not at all.

use kit::{Fault, Timestamp};
use serde_json::{Map, Value};

use super::image::Image;
use super::input;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The attribute is set.
    Set {
        /// Which.
        name: String,
        /// To what.
        value: Value,
        /// What must hold of it before.
        before: Before,
    },
    /// The custom property goes.
    Remove {
        /// Which.
        name: String,
    },
    /// A change of `locations`.
    Locations(Locations),
}

/// What must hold of an attribute that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// It is there (`replace`).
    Present,
    /// It is not there (`add` in version 2.0).
    Absent,
    /// Either (`add` in version 2.1).
    Any,
}

/// What is done to `locations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locations {
    /// One is added.
    Add,
    /// All are replaced.
    Replace,
    /// All are replaced by none.
    Clear,
    /// One is removed.
    Remove,
}

/// How a patch is written; the request's media type says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// Version 2.0: `{"replace": "/name", "value": "new"}`.
    Fourth,
    /// Version 2.1: `{"op": "replace", "path": "/name", "value": "new"}`.
    Tenth,
}

impl Draft {
    /// The media types, with what each stands for.
    pub const MEDIA_TYPES: [(&'static str, Self); 2] = [
        ("application/openstack-images-v2.0-json-patch", Self::Fourth),
        ("application/openstack-images-v2.1-json-patch", Self::Tenth),
    ];

    /// The operation and the path of one object.
    fn operation(self, object: &Map<String, Value>) -> Result<(&str, &str), Fault> {
        match self {
            Self::Tenth => {
                let op = object.get("op").filter(|op| !op.is_null()).ok_or_else(|| {
                    Fault::bad_request(
                        "Unable to find `op` in JSON Schema change. It must be one of the following: add, remove, replace.",
                    )
                })?;
                let op = op.as_str().unwrap_or_default();
                if !OPERATIONS.contains(&op) {
                    return Err(Fault::bad_request(format!(
                        "Invalid operation: `{op}`. It must be one of the following: add, remove, replace."
                    )));
                }
                let path = object
                    .get("path")
                    .ok_or_else(|| Fault::bad_request("Unable to find 'path' in JSON Schema change"))?;
                Ok((op, text_of(path)?))
            }
            Self::Fourth => {
                let mut named = OPERATIONS.into_iter().filter_map(|op| object.get(op).map(|path| (op, path)));
                match (named.next(), named.next()) {
                    (Some((op, path)), None) => Ok((op, text_of(path)?)),
                    (Some(_), Some(_)) => Err(Fault::bad_request(
                        "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".",
                    )),
                    (None, _) => Err(Fault::bad_request(
                        "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
                    )),
                }
            }
        }
    }
}

const OPERATIONS: [&str; 3] = ["add", "remove", "replace"];

fn text_of(path: &Value) -> Result<&str, Fault> {
    path.as_str().ok_or_else(|| Fault::bad_request(format!("Pointer `{path}` is not a string.")))
}

/// Reads a patch and checks all that can be checked without the image.
///
/// # Errors
/// 400 where it is none, changes something that lies too deep or holds a value of the wrong kind; 403 for what clients
/// do not change.
pub fn parse(body: &Value, draft: Draft) -> Result<Vec<Change>, Fault> {
    let Value::Array(operations) = body else {
        return Err(Fault::bad_request("Request body must be a JSON array of operation objects."));
    };
    operations.iter().map(|operation| parse_one(operation, draft)).collect()
}

fn parse_one(operation: &Value, draft: Draft) -> Result<Change, Fault> {
    let Value::Object(operation) = operation else {
        return Err(Fault::bad_request("Operations must be JSON objects."));
    };
    let (op, pointer) = draft.operation(operation)?;
    let path = parts(pointer)?;
    let name = path.first().cloned().unwrap_or_default();
    let depth = if name == "locations" && op != "replace" { 2 } else { 1 };
    if path.len() != depth {
        return Err(Fault::bad_request(format!("Invalid JSON pointer for this resource: '/{}'", path.join("/"))));
    }
    if op == "remove" {
        input::check_may_change(&name)?;
        return Ok(if name == "locations" { Change::Locations(Locations::Remove) } else { Change::Remove { name } });
    }
    let value = operation
        .get("value")
        .cloned()
        .ok_or_else(|| Fault::bad_request(format!("Operation \"{op}\" requires a member named \"value\".")))?;
    if name == "locations" {
        return locations(op, &value).map(Change::Locations);
    }
    // Whether the value can be set at all: on an image on which everything can be.
    input::set(&mut Image::new("".into(), None, Timestamp::UNIX_EPOCH), &name, &value)?;
    let before = match (op, draft) {
        ("replace", _) => Before::Present,
        (_, Draft::Fourth) => Before::Absent,
        (_, Draft::Tenth) => Before::Any,
    };
    Ok(Change::Set { name, value, before })
}

fn locations(op: &str, value: &Value) -> Result<Locations, Fault> {
    if op == "add" {
        return check_location(value).map(|()| Locations::Add);
    }
    let Value::Array(list) = value else { return Err(input::wrong_type(value, "array")) };
    list.iter().try_for_each(check_location)?;
    Ok(if list.is_empty() { Locations::Clear } else { Locations::Replace })
}

fn check_location(value: &Value) -> Result<(), Fault> {
    let Value::Object(location) = value else { return Err(input::wrong_type(value, "object")) };
    let member =
        |name: &str| location.get(name).ok_or_else(|| input::schema_error(&format!("'{name}' is a required property")));
    let (url, metadata) = (member("url")?, member("metadata")?);
    if !url.is_string() {
        return Err(input::wrong_type(url, "string"));
    }
    if !metadata.is_object() {
        return Err(input::wrong_type(metadata, "object"));
    }
    Ok(())
}

/// The parts of a JSON pointer (RFC 6901), as far as Glance takes them.
fn parts(pointer: &str) -> Result<Vec<String>, Fault> {
    let wrong = |what: &str| Err(Fault::bad_request(format!("Pointer `{pointer}` {what}.")));
    let Some(rest) = pointer.strip_prefix('/') else { return wrong("does not start with \"/\"") };
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.iter().rev().skip(1).any(|part| part.trim().is_empty()) {
        return wrong("contains adjacent \"/\"");
    }
    if !rest.is_empty() && rest.ends_with('/') {
        return wrong("end with \"/\"");
    }
    if rest.trim().is_empty() {
        return wrong("does not contains valid token");
    }
    let escapes = rest.split('~').skip(1);
    if escapes.into_iter().any(|after| !after.starts_with(['0', '1'])) {
        return wrong("contains \"~\" not part of a recognized escape sequence");
    }
    Ok(parts.into_iter().map(|part| part.replace("~1", "/").replace("~0", "~").trim().to_owned()).collect())
}

/// Applies `change` to `image`. What it says of locations is not the image's.
///
/// # Errors
/// 403 for what cannot be removed or not be set in the image's status, 409 for a property that is there or is not.
pub fn apply(image: &mut Image, change: &Change) -> Result<(), Fault> {
    match change {
        Change::Set { name, value, before } => {
            let there = input::is_base(name) || image.properties.contains_key(name);
            match before {
                Before::Present if !there => Err(Fault::conflict(format!("Property {name} does not exist."))),
                Before::Absent if there => Err(Fault::conflict(format!("Property {name} already present."))),
                _ => input::set(image, name, value),
            }
        }
        Change::Remove { name } if input::is_base(name) => {
            Err(Fault::forbidden(format!("Property {name} may not be removed.")))
        }
        Change::Remove { name } => match image.properties.remove(name) {
            Some(_) => Ok(()),
            None => Err(Fault::conflict(format!("Property {name} does not exist."))),
        },
        Change::Locations(_) => Ok(()),
    }
}

/// `image` with all of `changes`.
///
/// # Errors
/// As [`apply`]; 413 where it would have too many custom properties.
pub fn apply_all(image: &mut Image, changes: &[Change]) -> Result<(), Fault> {
    let before = image.custom_properties();
    changes.iter().try_for_each(|change| apply(image, change))?;
    // One that has too many of old may still be changed.
    if image.custom_properties() > before { input::check_properties(image) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
