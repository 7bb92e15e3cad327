//! Metadata definitions as Glance shows them. What is not set is left out, not null.

use std::collections::BTreeMap;

use kit::time::seconds_z;
use serde_json::{Map, Value, json};

use crate::domain::metadefs::property::Property;
use crate::domain::metadefs::{Association, Named, Namespace, Object};

/// A namespace without what is in it.
pub fn namespace(namespace: &Namespace) -> Map<String, Value> {
    set(json!({
        "namespace": namespace.namespace,
        "display_name": namespace.display_name,
        "description": namespace.description,
        "visibility": namespace.visibility,
        "protected": namespace.protected,
        "owner": namespace.owner,
        "created_at": seconds_z(namespace.created_at),
        "updated_at": seconds_z(namespace.updated_at),
        "self": namespace_path(&namespace.namespace),
        "schema": "/v2/schemas/metadefs/namespace",
    }))
}

/// Where a namespace is.
pub fn namespace_path(name: &str) -> String {
    format!("/v2/metadefs/namespaces/{name}")
}

/// An object of the namespace `of`. One that was just made or changed shows its lists only where they were given.
pub fn object(of: &str, object: &Object) -> Map<String, Value> {
    let mut body = bare_object(of, object);
    body.insert("required".to_owned(), json!(object.required));
    body.insert("properties".to_owned(), json!(object.properties));
    body
}

/// An object without its lists.
pub fn bare_object(of: &str, object: &Object) -> Map<String, Value> {
    set(json!({
        "name": object.name,
        "description": object.description,
        "created_at": seconds_z(object.created_at),
        "updated_at": seconds_z(object.updated_at),
        "self": format!("{}/objects/{}", namespace_path(of), object.name),
        "schema": "/v2/schemas/metadefs/object",
    }))
}

/// An association with a resource type.
pub fn association(association: &Association) -> Map<String, Value> {
    set(json!({
        "name": association.name,
        "prefix": association.prefix,
        "properties_target": association.properties_target,
        "created_at": seconds_z(association.created_at),
        "updated_at": seconds_z(association.updated_at),
    }))
}

/// A tag or a resource type, with its times.
pub fn named(named: &Named) -> Value {
    json!({
        "name": named.name,
        "created_at": seconds_z(named.created_at),
        "updated_at": seconds_z(named.updated_at),
    })
}

/// Tags in a list: their names only.
pub fn tags<'t>(names: impl Iterator<Item = &'t str>) -> Value {
    names.map(|name| json!({ "name": name })).collect()
}

/// A property by itself.
pub fn property(name: &str, property: &Property) -> Value {
    json!(Property { name: Some(name.to_owned()), ..property.clone() })
}

/// With `prefix` before each key.
pub fn prefixed(prefix: &str, properties: BTreeMap<String, Property>) -> BTreeMap<String, Property> {
    properties.into_iter().map(|(name, property)| (format!("{prefix}{name}"), property)).collect()
}

/// The object without what is null.
fn set(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}
