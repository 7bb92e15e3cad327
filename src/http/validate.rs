//! Bodies and queries against JSON schemas, compiled once, refused in OpenStack's words.
//!
//! The words are those of Python's jsonschema behind Nova's `Invalid input for field/attribute …`. A schema that fails in
//! several places is told of the one that Python would come to first: types and values, then what is missing,
//! then what is too much.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use kit::Fault;
use serde_json::{Map, Value, json};

use crate::python;
use crate::query::Query;

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
    /// A 400 about the first thing that is wrong.
    pub fn check_body(&self, body: &Value) -> Result<(), Fault> {
        self.check(body, |name, value, message| match name {
            Some(name) => format!("Invalid input for field/attribute {name}. Value: {value}. {message}"),
            None => message.to_owned(),
        })
    }

    /// Checks a query: an object of a list of values for each name.
    ///
    /// # Errors
    /// A 400 about the first thing that is wrong.
    pub fn check_query(&self, query: &Query) -> Result<(), Fault> {
        let mut object = Map::new();
        for (name, value) in query.pairs() {
            if let Some(values) = object.entry(name).or_insert_with(|| json!([])).as_array_mut() {
                values.push(json!(value));
            }
        }
        self.check(&Value::Object(object), |name, value, message| match name {
            Some(name) => format!("Invalid input for query parameters {name}. Value: {value}. {message}"),
            None => format!("Invalid input for query parameters. {message}"),
        })
    }

    fn check(&self, value: &Value, say: impl Fn(Option<&str>, &str, &str) -> String) -> Result<(), Fault> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let Some(error) = self.0.iter_errors(value).min_by_key(order) else { return Ok(()) };
        let pointer = error.instance_path().as_str();
        let name = pointer
            .rsplit('/')
            .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
            .find(|segment| segment.is_empty() || segment.parse::<usize>().is_err())
            .filter(|name| !name.is_empty());
        let last = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        let name = if self.in_query(pointer) { name } else { Some(last).filter(|last| !last.is_empty()) };
        let text = say(name.as_deref(), &python::text(error.instance()), &message(&error));
        Err(Fault::bad_request(text))
    }

    /// Whether a pointer leads into a query's list of values: its name is then the parameter's, not the position.
    fn in_query(&self, pointer: &str) -> bool {
        pointer.matches('/').count() == 2
    }
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

fn message(error: &ValidationError<'_>) -> String {
    let instance = python::repr(error.instance());
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
        _ => error.to_string(),
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
