//! The JSON schemas of metadata definitions: what bodies are checked against, and what `/schemas/metadefs` shows.

use std::sync::OnceLock;

use http_kit::validate::Schema;
use kit::Fault;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The properties of each kind, and the definitions that they share.
static PARTS: &str = include_str!("schemas.json");

/// A kind of thing that has a schema.
pub struct Kind {
    /// What the schema is called.
    name: &'static str,
    /// What a list of them is called.
    plural: &'static str,
    /// What must be there.
    required: &'static [&'static str],
    /// What only the service sets.
    read_only: &'static [&'static str],
    compiled: OnceLock<Result<Schema, String>>,
}

impl Kind {
    const fn new(
        name: &'static str,
        plural: &'static str,
        required: &'static [&'static str],
        read_only: &'static [&'static str],
    ) -> Self {
        Self { name, plural, required, read_only, compiled: OnceLock::new() }
    }
}

const TIMES: &[&str] = &["created_at", "updated_at"];
const LINKS_AND_TIMES: &[&str] = &["self", "schema", "created_at", "updated_at"];

/// Namespaces.
pub static NAMESPACE: Kind = Kind::new("namespace", "namespaces", &["namespace"], LINKS_AND_TIMES);
/// Objects.
pub static OBJECT: Kind = Kind::new("object", "objects", &["name"], LINKS_AND_TIMES);
/// Properties that are named in their definition.
pub static PROPERTY: Kind = Kind::new("property", "properties", &["type", "title", "name"], TIMES);
/// Properties that are named by a key before them.
pub static KEYED_PROPERTY: Kind = Kind::new("property", "properties", &["type", "title"], &[]);
/// Associations with resource types.
pub static ASSOCIATION: Kind = Kind::new("resource_type_association", "resource_type_associations", &["name"], TIMES);
/// Tags.
pub static TAG: Kind = Kind::new("tag", "tags", &["name"], TIMES);
/// Several tags at once.
pub static TAGS: Kind = Kind::new("tags", "", &[], TIMES);

/// The schema of one thing.
///
/// # Errors
/// 500 where the parts are not what they should be.
pub fn one(kind: &Kind) -> Result<Map<String, Value>, Fault> {
    let mut schema = bare(kind)?;
    if let Some(definitions) = definitions(kind)? {
        schema.insert("definitions".to_owned(), definitions);
    }
    Ok(schema)
}

/// The schema of a list.
///
/// # Errors
/// As [`one`].
pub fn list(kind: &Kind) -> Result<Map<String, Value>, Fault> {
    let items = if kind.name == "property" {
        json!({ "type": "object", "additionalProperties": bare(&KEYED_PROPERTY)? })
    } else {
        json!({ "type": "array", "items": bare(kind)? })
    };
    let mut schema = Map::new();
    schema.insert("name".to_owned(), kind.plural.into());
    let text = json!({ "type": "string" });
    schema.insert("properties".to_owned(), json!({ kind.plural: items, "first": text, "next": text, "schema": text }));
    let link = |relation: &str, href: &str| json!({ "rel": relation, "href": href });
    let links = json!([link("first", "{first}"), link("next", "{next}"), link("describedby", "{schema}")]);
    schema.insert("links".to_owned(), links);
    if let Some(definitions) = definitions(kind)? {
        schema.insert("definitions".to_owned(), definitions);
    }
    Ok(schema)
}

/// `body` as a `T`, if it is one of `kind`.
///
/// # Errors
/// 403 for what only the service sets, 400 for all else that is wrong.
pub fn read<T: DeserializeOwned>(kind: &Kind, body: &Value) -> Result<T, Fault> {
    if body.is_null() {
        return Err(Fault::bad_request("Body expected in request."));
    }
    if let Some(name) = kind.read_only.iter().find(|name| body.get(name).is_some()) {
        return Err(Fault::forbidden(format!("Attribute '{name}' is read-only.")));
    }
    check(kind, body)?;
    T::deserialize(body).map_err(|error| mismatch(kind, &error.to_string()))
}

/// Checks `body` against the schema of `kind`.
///
/// # Errors
/// 400 where it is none.
pub fn check(kind: &Kind, body: &Value) -> Result<(), Fault> {
    let compile = || {
        let schema = one(kind).map_err(|fault| fault.chain())?;
        Schema::compile(&Value::Object(schema).to_string())
    };
    match kind.compiled.get_or_init(compile) {
        Ok(schema) => schema.explain(body).map_or(Ok(()), |reason| Err(mismatch(kind, &reason))),
        Err(reason) => Err(Fault::internal("compiling a schema", reason.as_str())),
    }
}

fn mismatch(kind: &Kind, reason: &str) -> Fault {
    Fault::bad_request(format!("Provided object does not match schema '{}': {reason}", kind.name))
}

/// The schema of one thing without the definitions that it refers to.
fn bare(kind: &Kind) -> Result<Map<String, Value>, Fault> {
    let mut schema = Map::new();
    schema.insert("name".to_owned(), kind.name.into());
    schema.insert("properties".to_owned(), part(kind.name)?);
    schema.insert("additionalProperties".to_owned(), false.into());
    if !kind.required.is_empty() {
        schema.insert("required".to_owned(), json!(kind.required));
    }
    Ok(schema)
}

fn definitions(kind: &Kind) -> Result<Option<Value>, Fault> {
    let mut shared = part("definitions")?;
    match kind.name {
        "namespace" | "object" => {
            let property = json!({
                "type": "object", "required": ["title", "type"], "properties": part("property")?,
            });
            if let Value::Object(shared) = &mut shared {
                shared.insert("property".to_owned(), json!({ "type": "object", "additionalProperties": property }));
            }
        }
        "property" => {
            if let Some(Value::Object(array)) = shared.get_mut("stringArray") {
                array.insert("minItems".to_owned(), 1.into());
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(shared))
}

fn part(name: &str) -> Result<Value, Fault> {
    let parts: Value =
        serde_json::from_str(PARTS).map_err(|error| Fault::internal("reading the schemas of definitions", error))?;
    parts.get(name).cloned().ok_or_else(|| Fault::internal("reading the schemas of definitions", name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::input::{NewNamespace, NewTags};
    use super::*;

    #[test]
    fn every_schema_can_be_shown_and_used() {
        for kind in [&NAMESPACE, &OBJECT, &PROPERTY, &KEYED_PROPERTY, &ASSOCIATION, &TAG, &TAGS] {
            assert_eq!(one(kind).unwrap()["name"], kind.name);
            assert!(check(kind, &json!({ "unknown": 1 })).is_err(), "{}", kind.name);
        }
        assert_eq!(
            list(&PROPERTY).unwrap()["properties"]["properties"]["additionalProperties"]["required"],
            json!(["type", "title"])
        );
        assert!(list(&TAG).unwrap().get("definitions").is_none());
    }

    #[test]
    fn what_is_wrong_is_said_in_glances_words() {
        let said = |body: &Value| read::<NewNamespace>(&NAMESPACE, body).unwrap_err().message().to_owned();
        assert_eq!(said(&Value::Null), "Body expected in request.");
        assert_eq!(said(&json!({ "self": "x" })), "Attribute 'self' is read-only.");
        assert_eq!(
            said(&json!({ "visibility": "public" })),
            "Provided object does not match schema 'namespace': 'namespace' is a required property"
        );
        assert!(
            said(&json!({ "namespace": "x", "visibility": "shared" }))
                .ends_with("'shared' is not one of ['public', 'private']")
        );
        assert!(
            said(&json!({ "namespace": "x", "properties": { "p": { "type": "string" } } }))
                .contains("'title' is a required")
        );
        assert!(said(&json!({ "namespace": "x", "tags": [{}] })).contains("missing field `name`"));
        assert!(read::<NewTags>(&TAGS, &json!({})).is_err());
    }
}
