//! Glance's JSON patches: `add`, `replace` and `remove` of one attribute at a time, in the two ways of writing them.

use kit::Fault;
use serde_json::{Map, Value};

use super::image::Image;
use super::input;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The attribute is set. `must_exist` tells `replace` from `add`.
    Set {
        /// Which.
        name: String,
        /// To what.
        value: Value,
        /// Whether it must be there already.
        must_exist: bool,
    },
    /// The custom property goes.
    Remove {
        /// Which.
        name: String,
    },
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
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        match self {
            Self::Tenth => {
                let op = text("op").ok_or_else(|| {
                    Fault::bad_request(
                        "Unable to find 'op' in JSON Schema change. It must be one of the following: add, remove, replace.",
                    )
                })?;
                let path =
                    text("path").ok_or_else(|| Fault::bad_request("Unable to find 'path' in JSON Schema change"))?;
                Ok((op, path))
            }
            Self::Fourth => {
                let mut named =
                    ["add", "remove", "replace"].into_iter().filter_map(|op| text(op).map(|path| (op, path)));
                match (named.next(), named.next()) {
                    (Some(operation), None) => Ok(operation),
                    _ => Err(Fault::bad_request(
                        "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
                    )),
                }
            }
        }
    }
}

/// Reads a patch.
///
/// # Errors
/// 400 where it is none, or changes something that lies deeper than one level.
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
    let (op, path) = draft.operation(operation)?;
    let name = name(path)?;
    let value = || {
        operation
            .get("value")
            .cloned()
            .ok_or_else(|| Fault::bad_request(format!("Operation \"{op}\" requires a member named \"value\".")))
    };
    match op {
        "add" => Ok(Change::Set { value: value()?, name, must_exist: false }),
        "replace" => Ok(Change::Set { value: value()?, name, must_exist: true }),
        "remove" => Ok(Change::Remove { name }),
        other => Err(Fault::bad_request(format!(
            "Operation: {other} is not supported. It must be one of the following: add, remove, replace."
        ))),
    }
}

/// The attribute that a JSON pointer of one level names.
fn name(path: &str) -> Result<String, Fault> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(Fault::bad_request(format!("Pointer `{path}` does not start with \"/\".")));
    };
    if rest.is_empty() || rest.contains("//") || rest.ends_with('/') {
        return Err(Fault::bad_request(format!("Pointer `{path}` contains adjacent \"/\" or ends with it.")));
    }
    if rest.contains('/') {
        return Err(Fault::bad_request(format!("Invalid JSON pointer for this resource: '{path}'")));
    }
    Ok(rest.replace("~1", "/").replace("~0", "~"))
}

/// Applies `change` to `image`.
///
/// # Errors
/// 403 for what only the service sets or what cannot be removed, 409 for a custom property that is not there, 400 for a value of the wrong kind.
pub fn apply(image: &mut Image, change: &Change) -> Result<(), Fault> {
    match change {
        Change::Set { name, value, must_exist } => {
            if *must_exist && !input::is_base(name) && !image.properties.contains_key(name) {
                return Err(Fault::conflict(format!("Property {name} does not exist.")));
            }
            input::set(image, name, value)
        }
        Change::Remove { name } if input::is_base(name) => {
            Err(Fault::forbidden(format!("Property '{name}' may not be removed.")))
        }
        Change::Remove { name } => match image.properties.remove(name) {
            Some(_) => Ok(()),
            None => Err(Fault::conflict(format!("Property {name} does not exist."))),
        },
    }
}

#[cfg(test)]
mod tests {
    use kit::FaultKind;
    use serde_json::json;

    use super::*;
    use crate::domain::image::Status;

    fn image() -> Image {
        Image {
            id: "i".into(),
            name: None,
            owner: Some("p".into()),
            status: Status::Queued,
            visibility: "shared".to_owned(),
            protected: false,
            os_hidden: false,
            disk_format: None,
            container_format: None,
            min_disk: 0,
            min_ram: 0,
            size: None,
            virtual_size: None,
            checksum: None,
            sha512: None,
            created_at: kit::Timestamp::UNIX_EPOCH,
            updated_at: kit::Timestamp::UNIX_EPOCH,
            properties: [("p1".to_owned(), "v".to_owned())].into(),
            tags: Vec::new(),
        }
    }

    fn patched(body: Value) -> Result<Image, Fault> {
        let mut image = image();
        for change in parse(&body, Draft::Tenth)? {
            apply(&mut image, &change)?;
        }
        Ok(image)
    }

    #[test]
    fn attributes_and_properties_are_set_and_removed() {
        let image = patched(json!([
            { "op": "replace", "path": "/name", "value": "new" },
            { "op": "add", "path": "/p~1two", "value": "x" },
            { "op": "remove", "path": "/p1" },
            { "op": "replace", "path": "/tags", "value": ["b", "a", "b"] },
        ]))
        .unwrap();
        assert_eq!(image.name.as_deref(), Some("new"));
        assert_eq!(image.properties, [("p/two".to_owned(), "x".to_owned())].into());
        assert_eq!(image.tags, ["a", "b"]);
    }

    #[test]
    fn the_older_way_of_writing_says_the_same() {
        let older = json!([
            { "replace": "/name", "value": "new" },
            { "add": "/p2", "value": "x" },
            { "remove": "/p1" },
        ]);
        let newer = json!([
            { "op": "replace", "path": "/name", "value": "new" },
            { "op": "add", "path": "/p2", "value": "x" },
            { "op": "remove", "path": "/p1" },
        ]);
        assert_eq!(parse(&older, Draft::Fourth).unwrap(), parse(&newer, Draft::Tenth).unwrap());
        for unclear in [json!([{ "value": 1 }]), json!([{ "add": "/a", "remove": "/a" }]), newer] {
            assert_eq!(parse(&unclear, Draft::Fourth).unwrap_err().kind(), FaultKind::BadRequest);
        }
    }

    #[test]
    fn what_is_not_allowed_says_so() {
        let kind = |body| patched(body).unwrap_err().kind();
        assert_eq!(kind(json!([{ "op": "replace", "path": "/status", "value": "active" }])), FaultKind::Forbidden);
        assert_eq!(kind(json!([{ "op": "remove", "path": "/name" }])), FaultKind::Forbidden);
        assert_eq!(kind(json!([{ "op": "replace", "path": "/nope", "value": "x" }])), FaultKind::Conflict);
        assert_eq!(kind(json!([{ "op": "remove", "path": "/nope" }])), FaultKind::Conflict);
        assert_eq!(kind(json!([{ "op": "add", "path": "/a/b", "value": "x" }])), FaultKind::BadRequest);
        assert_eq!(kind(json!([{ "op": "add", "path": "a", "value": "x" }])), FaultKind::BadRequest);
        assert_eq!(kind(json!([{ "op": "move", "path": "/a", "value": "x" }])), FaultKind::BadRequest);
        assert_eq!(kind(json!([{ "op": "add", "path": "/min_ram", "value": -1 }])), FaultKind::BadRequest);
        assert_eq!(kind(json!({ "op": "add" })), FaultKind::BadRequest);
    }
}
