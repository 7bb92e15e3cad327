//! SQL over the service's own tables.

pub mod agents;
pub mod attachments;
pub mod journals;
pub mod quotas;
pub mod types;
pub mod volumes;

use http_kit::SqlValue;
use store::Value;

/// A value of the REST kit as one of the store.
pub fn bind(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Real(number) => Value::Real(number),
        SqlValue::Text(text) => Value::Text(text),
    }
}
