//! Request bodies: which attributes a resource has, what each may be, what it is when it is not given.
//!
//! A resource's attributes are a `static` table of [`Attribute`]s (in `domain/resources.rs`). [`read`] holds a body
//! against it and answers normalised values; the texts of its refusals are Neutron's.

use std::collections::BTreeMap;

use kit::Fault;
use serde_json::{Map, Value};

use super::faults;
use super::kinds::{Invalid, Kind};

/// What a request wants to do with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `POST`: absent attributes get their defaults.
    Create,
    /// `PUT`: absent attributes stay as they are.
    Update,
}

/// What an attribute is when a `POST` does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// It must be said.
    Required,
    /// Nothing: the service decides.
    Unspecified,
    /// `null`.
    Null,
    /// A text.
    Text(&'static str),
    /// A boolean.
    Bool(bool),
    /// `[]`.
    EmptyList,
}

/// One attribute of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name in bodies.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether `POST` may name it, and what it is otherwise.
    pub create: Option<Default>,
    /// Whether `PUT` may name it.
    pub update: bool,
    /// Whether naming it needs the rule `<action>:<name>`.
    pub guarded: bool,
}

impl Attribute {
    /// One that can be set and changed.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, default: Default) -> Self {
        Self { name, kind, create: Some(default), update: true, guarded: false }
    }

    /// One that only the service sets.
    #[must_use]
    pub const fn read_only(name: &'static str) -> Self {
        Self { name, kind: Kind::Any, create: None, update: false, guarded: false }
    }

    /// It cannot be changed.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.update = false;
        self
    }

    /// Naming it needs a rule of its own.
    #[must_use]
    pub const fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }
}

/// A resource as bodies name it.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// `network`.
    pub name: &'static str,
    /// `networks`.
    pub collection: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

/// A body that was held against its resource: normalised values by attribute.
#[derive(Debug, Clone, Default)]
pub struct Body {
    values: BTreeMap<&'static str, Value>,
    /// The guarded attributes that the client named itself.
    guarded: Vec<&'static str>,
}

impl Body {
    /// The guarded attributes that the client named.
    #[must_use]
    pub fn guarded(&self) -> &[&'static str] {
        &self.guarded
    }

    /// The value of `name`, where it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether `name` has a value, `null` included.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The text at `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// The boolean at `name`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// The integer at `name`.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// The value at `name` as a `T`; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// Internal, where the table's kind does not produce what `T` reads.
    pub fn parsed<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|error| Fault::internal("reading a validated attribute", error)),
        }
    }

    /// Sets `name` as if the client had said so.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.values.insert(name, value.into());
    }
}

/// The objects in a body: one under the resource's name, or several under the collection's; whether it was several.
///
/// # Errors
/// Neutron's 400s for bodies that hold neither.
pub fn objects(resource: &Resource, body: &Value, verb: Verb) -> Result<(Vec<Map<String, Value>>, bool), Fault> {
    let Value::Object(members) = body else {
        return Err(faults::bad_request("Body contains invalid data"));
    };
    if let (Some(list), Verb::Create) = (members.get(resource.collection), verb) {
        let items = list.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| faults::bad_request("Resources required"))?;
        let unwrapped = items.iter().map(|item| item.get(resource.name).unwrap_or(item));
        let objects = unwrapped.map(|item| object(resource, item)).collect::<Result<_, _>>()?;
        return Ok((objects, true));
    }
    let missing = || faults::bad_request(format!("Unable to find '{}' in request body", resource.name));
    Ok((vec![object(resource, members.get(resource.name).ok_or_else(missing)?)?], false))
}

fn object(resource: &Resource, value: &Value) -> Result<Map<String, Value>, Fault> {
    let invalid = || faults::bad_request(format!("Object '{}' contains invalid data", resource.name));
    value.as_object().cloned().ok_or_else(invalid)
}

/// Holds `object` against `resource`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(resource: &Resource, object: &Map<String, Value>, verb: Verb) -> Result<Body, Fault> {
    let known = |name: &str| resource.attributes.iter().any(|attribute| attribute.name == name);
    let unknown: Vec<&str> = object.keys().map(String::as_str).filter(|name| !known(name)).collect();
    if !unknown.is_empty() {
        return Err(faults::bad_request(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))));
    }
    let mut body = Body::default();
    for attribute in resource.attributes {
        match object.get(attribute.name) {
            Some(value) => {
                allowed(attribute, verb)?;
                body.values.insert(attribute.name, convert(attribute, value)?);
                if attribute.guarded {
                    body.guarded.push(attribute.name);
                }
            }
            None if verb == Verb::Create => {
                if let Some(value) = default(attribute)? {
                    body.values.insert(attribute.name, value);
                }
            }
            None => {}
        }
    }
    Ok(body)
}

fn allowed(attribute: &Attribute, verb: Verb) -> Result<(), Fault> {
    match verb {
        Verb::Create if attribute.create.is_none() => {
            Err(faults::bad_request(format!("Attribute '{}' not allowed in POST", attribute.name)))
        }
        Verb::Update if !attribute.update => {
            Err(faults::bad_request(format!("Cannot update read-only attribute {}", attribute.name)))
        }
        _ => Ok(()),
    }
}

fn convert(attribute: &Attribute, value: &Value) -> Result<Value, Fault> {
    attribute.kind.convert(value).map_err(|invalid| match invalid {
        Invalid::Value(reason) => faults::invalid_attribute(attribute.name, reason),
        Invalid::Conversion(reason) => faults::invalid_input(reason),
    })
}

fn default(attribute: &Attribute) -> Result<Option<Value>, Fault> {
    Ok(match attribute.create {
        None | Some(Default::Unspecified) => None,
        Some(Default::Null) => Some(Value::Null),
        Some(Default::Text(text)) => Some(Value::from(text)),
        Some(Default::Bool(truth)) => Some(Value::from(truth)),
        Some(Default::EmptyList) => Some(Value::Array(Vec::new())),
        Some(Default::Required) => {
            let text = format!("Failed to parse request. Required attribute '{}' not specified", attribute.name);
            return Err(faults::bad_request(text));
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::resources::{NETWORK, SUBNET};
    use super::*;

    fn refusal(resource: &Resource, body: Value, verb: Verb) -> String {
        let read = objects(resource, &body, verb).and_then(|(objects, _)| {
            objects.iter().map(|object| read(resource, object, verb)).collect::<Result<Vec<_>, _>>()
        });
        read.unwrap_err().message().to_owned()
    }

    #[test]
    fn refusals_are_neutrons() {
        let create = |body| refusal(&NETWORK, body, Verb::Create);
        assert_eq!(create(json!({"network": {"bogus": 1}})), "Unrecognized attribute(s) 'bogus'");
        assert_eq!(create(json!({"net": {}})), "Unable to find 'network' in request body");
        assert_eq!(create(json!({"networks": []})), "Resources required");
        assert_eq!(create(json!({"network": {"status": "UP"}})), "Attribute 'status' not allowed in POST");
        assert_eq!(
            create(json!({"network": {"name": 1}})),
            "Invalid input for name. Reason: '1' is not a valid string."
        );
        assert_eq!(
            create(json!({"networks": [{"name": "a"}, {"admin_state_up": "maybe"}]})),
            "Invalid input for operation: 'maybe' cannot be converted to boolean."
        );
        assert_eq!(
            refusal(&NETWORK, json!({"network": {"id": "x"}}), Verb::Update),
            "Cannot update read-only attribute id"
        );
        assert_eq!(
            refusal(&SUBNET, json!({"subnet": {"ip_version": 4}}), Verb::Create),
            "Failed to parse request. Required attribute 'network_id' not specified"
        );
    }

    #[test]
    fn defaults_are_filled_in_on_create_only() {
        let object = json!({"name": "a", "admin_state_up": "False"}).as_object().unwrap().clone();
        let body = read(&NETWORK, &object, Verb::Create).unwrap();
        assert_eq!((body.flag("admin_state_up"), body.flag("shared")), (Some(false), Some(false)));
        assert!(body.guarded().is_empty(), "defaults need no rule");
        assert_eq!(read(&NETWORK, &object, Verb::Update).unwrap().flag("shared"), None);
    }
}
