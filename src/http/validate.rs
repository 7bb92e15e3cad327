//! Bodies and queries against JSON schemas, compiled once at most, refused in OpenStack's words.
//!
//! The words are those of Python's jsonschema behind Nova's `Invalid input for field/attribute …`. A schema that fails in
//! several places is told of the one that Python would come to first: types and values, then what is missing,
//! then what is too much. Where Python would repeat a value, so do we, but never one that is a secret by its name.

use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use kit::Fault;
use serde_json::{Map, Value, json};

use crate::python;
use crate::query::Query;

/// A schema that is compiled when it is first needed: most never are, and each takes tens of kilobytes.
#[derive(Debug)]
pub struct Lazy {
    text: &'static str,
    compiled: OnceLock<Schema>,
}

impl Lazy {
    /// A schema of `text`, for what the body's own schema cannot say.
    #[must_use]
    pub const fn of(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// A schema of `text`, which debug builds compile at once: so that a test finds what is wrong with it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(text: &'static str) -> Result<Self, String> {
        Ok(match cfg!(debug_assertions) {
            true => Self { text, compiled: Schema::compile(text)?.into() },
            false => Self::of(text),
        })
    }

    /// The schema.
    ///
    /// # Errors
    /// 500 where it is none.
    pub fn get(&self) -> Result<&Schema, Fault> {
        if let Some(compiled) = self.compiled.get() {
            return Ok(compiled);
        }
        let compiled = Schema::compile(self.text);
        let compiled = compiled.map_err(|reason| Fault::internal("compiling a schema", reason))?;
        Ok(self.compiled.get_or_init(|| compiled))
    }
}

/// A compiled schema.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Compiles a schema's text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        jsonschema::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_format("regex", |text: &str| regex::Regex::new(text).is_ok())
            .with_format("date-time", is_date_time)
            .with_format("integer", |text: &str| text.parse::<i64>().is_ok())
            .build(&schema)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Checks a body.
    ///
    /// # Errors
    /// A 400 about the first thing that is wrong, named by the last part of its path.
    pub fn check_body(&self, body: &Value) -> Result<(), Fault> {
        let Some(error) = self.first_error(body) else { return Ok(()) };
        let shown = shown(&error);
        let text = message(&error, &shown);
        Err(Fault::bad_request(match path(&error).pop() {
            Some(name) => {
                let value = python::text(&shown);
                format!("Invalid input for field/attribute {name}. Value: {value}. {text}")
            }
            None => text,
        }))
    }

    /// Checks a query: an object of a list of values for each name.
    ///
    /// # Errors
    /// A 400 about the first thing that is wrong, named by its parameter.
    pub fn check_query(&self, query: &Query) -> Result<(), Fault> {
        let mut object = Map::new();
        for (name, value) in query.pairs() {
            if let Some(values) = object.entry(name).or_insert_with(|| json!([])).as_array_mut() {
                values.push(json!(value));
            }
        }
        let object = Value::Object(object);
        let Some(error) = self.first_error(&object) else { return Ok(()) };
        let text = message(&error, error.instance());
        Err(Fault::bad_request(match path(&error).into_iter().next() {
            Some(name) => {
                let value = python::text(error.instance());
                format!("Invalid input for query parameters {name}. Value: {value}. {text}")
            }
            None => text,
        }))
    }

    /// What is wrong with `value` first, for services that say so in another sentence than Nova's.
    #[must_use]
    pub fn explain(&self, value: &Value) -> Option<String> {
        let error = self.first_error(value)?;
        Some(message(&error, &shown(&error)))
    }

    fn first_error<'v>(&'v self, value: &'v Value) -> Option<ValidationError<'v>> {
        if self.0.is_valid(value) {
            return None;
        }
        self.0.iter_errors(value).min_by_key(order)
    }
}

/// Where in the instance the error is.
fn path(error: &ValidationError<'_>) -> Vec<String> {
    let pointer = error.instance_path().as_str();
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// Which of several errors Python would come to first.
fn order(error: &ValidationError<'_>) -> (u8, std::cmp::Reverse<usize>) {
    let rank = match error.kind() {
        ValidationErrorKind::AdditionalProperties { .. } => 2,
        ValidationErrorKind::Required { .. } => 1,
        _ => 0,
    };
    (rank, std::cmp::Reverse(error.instance_path().as_str().matches('/').count()))
}

/// Attributes whose values are secrets.
const SECRETS: &[&str] = &[
    "password",
    "original_password",
    "adminPass",
    "secret",
    "client_secret",
    "passcode",
    "token",
    "blob",
    "signature",
    "user_data",
];

/// The value that is wrong, without the secrets in it.
fn shown(error: &ValidationError<'_>) -> Value {
    let mut value = error.instance().clone().into_owned();
    let is_secret = path(error).iter().any(|name| SECRETS.contains(&name.as_str()));
    if is_secret {
        return json!("***");
    }
    mask(&mut value);
    value
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, item)| {
            if SECRETS.contains(&name.as_str()) {
                *item = json!("***");
            } else {
                mask(item);
            }
        }),
        _ => {}
    }
}

/// What is wrong with `value`, the error's instance as it may be shown.
fn message(error: &ValidationError<'_>, value: &Value) -> String {
    let instance = python::repr(value);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| python::repr(&json!(name))).collect();
            let verb = if names.len() == 1 { "was" } else { "were" };
            format!("Additional properties are not allowed ({} {verb} unexpected)", names.join(", "))
        }
        ValidationErrorKind::Required { property } => format!("{} is a required property", python::repr(property)),
        ValidationErrorKind::Type { kind } => format!("{instance} is not of type {}", types(kind)),
        ValidationErrorKind::Enum { options } => format!("{instance} is not one of {}", python::repr(options)),
        ValidationErrorKind::Constant { expected_value } => {
            format!("{} was expected", python::repr(expected_value))
        }
        ValidationErrorKind::MaxLength { .. } | ValidationErrorKind::MaxItems { .. } => {
            format!("{instance} is too long")
        }
        ValidationErrorKind::MinLength { limit: 1 } | ValidationErrorKind::MinItems { limit: 1 } => {
            format!("{instance} should be non-empty")
        }
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            format!("{instance} is too short")
        }
        ValidationErrorKind::MaxProperties { .. } => format!("{instance} has too many properties"),
        ValidationErrorKind::MinProperties { limit: 1 } => format!("{instance} should be non-empty"),
        ValidationErrorKind::MinProperties { .. } => format!("{instance} does not have enough properties"),
        ValidationErrorKind::Minimum { limit } => {
            format!("{instance} is less than the minimum of {}", python::repr(limit))
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("{instance} is greater than the maximum of {}", python::repr(limit))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("{instance} is less than or equal to the minimum of {}", python::repr(limit))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            format!("{instance} is greater than or equal to the maximum of {}", python::repr(limit))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{instance} does not match {}", python::repr(&json!(pattern)))
        }
        ValidationErrorKind::Format { format } => format!("{instance} is not a {}", python::repr(&json!(format))),
        ValidationErrorKind::UniqueItems => format!("{instance} has non-unique elements"),
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            format!("{instance} is not valid under any of the given schemas")
        }
        ValidationErrorKind::Not { schema } => {
            format!("{instance} should not be valid under {}", python::repr(schema))
        }
        _ => error.masked().to_string(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => format!("'{one}'"),
        TypeKind::Multiple(many) => many.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(", "),
    }
}

/// ISO 8601 as Nova's `changes-since` takes it: the zone may be left out.
fn is_date_time(text: &str) -> bool {
    crate::filter::parse_time(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = r#"{
        "type": "object",
        "properties": {
            "limit": { "type": "array", "items": { "type": "string", "pattern": "^[0-9]*$" } },
            "name": { "type": "array", "maxItems": 1, "items": { "type": "string", "format": "regex" } },
            "changes-since": { "type": "array", "items": { "type": "string", "format": "date-time" } }
        },
        "additionalProperties": false
    }"#;

    fn refused(query: &str) -> String {
        let schema = Schema::compile(QUERY).unwrap();
        schema.check_query(&Query::parse(query)).map_err(|fault| fault.message().to_owned()).unwrap_err()
    }

    #[test]
    fn queries_are_refused_as_nova_refuses_them() {
        assert_eq!(
            refused("limit=-1"),
            "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"
        );
        assert_eq!(refused("name=%5B"), "Invalid input for query parameters name. Value: [. '[' is not a 'regex'");
        assert_eq!(
            refused("changes-since=x"),
            "Invalid input for query parameters changes-since. Value: x. 'x' is not a 'date-time'"
        );
        assert_eq!(refused("bogus=1"), "Additional properties are not allowed ('bogus' was unexpected)");
    }

    #[test]
    fn bodies_name_the_last_part_of_the_path() {
        let schema = Schema::compile(
            r#"{"type": "object", "properties": {"networks": {"type": "array", "items": {"type": "object"}}, "a/b": {"enum": [1, null]}}}"#,
        )
        .unwrap();
        let refused = |body: Value| schema.check_body(&body).unwrap_err().message().to_owned();
        assert_eq!(
            refused(json!({ "networks": [{}, "x"] })),
            "Invalid input for field/attribute 1. Value: x. 'x' is not of type 'object'"
        );
        assert_eq!(
            refused(json!({ "a/b": true })),
            "Invalid input for field/attribute a/b. Value: True. True is not one of [1, None]"
        );
    }

    #[test]
    fn no_secret_is_repeated() {
        let schema = Schema::compile(
            r#"{"type": "object", "properties": {"user": {"type": "object", "required": ["name"], "properties": {
                "password": {"type": "string", "maxLength": 9}}}}}"#,
        )
        .unwrap();
        for body in [
            json!({ "user": { "password": "hunter2" } }),
            json!({ "user": { "name": "a", "password": 4242 } }),
            json!({ "user": { "name": "a", "password": "hunter2hunter2" } }),
            json!({ "user": [{ "x": { "secret": "hunter2" } }] }),
        ] {
            let fault = schema.check_body(&body).unwrap_err();
            let message = fault.message();
            assert!(!message.contains("hunter2") && !message.contains("4242") && message.contains("***"), "{message}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        assert!(Schema::compile("{").is_err());
        assert!(Schema::compile(r#"{"type": "nonsense"}"#).is_err());
    }
}
