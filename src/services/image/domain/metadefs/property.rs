//! What a property is called and may hold.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A property's definition, with the attributes that were given only.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Property {
    /// Its name, where it does not stand before the definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What kind of value it holds.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its name as people are shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The operators of a scheduler's extra specs that it can be compared by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operators: Option<Vec<String>>,
    /// What it is where it is not set. Always text, as in Glance.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub default: Option<String>,
    /// Whether only services set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly: Option<bool>,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub minimum: Option<i64>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub maximum: Option<i64>,
    /// All that it can be.
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// What a text must look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The length of the shortest text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<i64>,
    /// The length of the longest text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<i64>,
    /// Whether it is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential: Option<bool>,
    /// What the items of an array are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Whether each item is there once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_items: Option<bool>,
    /// The fewest items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<i64>,
    /// The most items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<i64>,
    /// Whether other items are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_items: Option<bool>,
}

/// What the items of an array are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// What kind of value each is.
    #[serde(rename = "type")]
    pub kind: String,
    /// All that each can be.
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
}

/// A text; numbers and booleans become what Python makes of them.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(if truth { "True" } else { "False" }.to_owned())),
        _ => Err(serde::de::Error::custom("the attribute 'default' must be a text")),
    }
}

/// A whole number, also one that is written with a fraction of nothing.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let fraction = || value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
    #[expect(clippy::cast_possible_truncation, reason = "whole and within range, as was just checked")]
    let number = value.as_i64().or_else(|| fraction().map(|number| number as i64));
    number.map(Some).ok_or_else(|| serde::de::Error::custom("a limit must be a whole number"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_given_comes_back() {
        let given = json!({ "type": "integer", "title": "T", "minimum": 1.0, "default": 7, "enum": ["a"], "minLength": 2,
            "items": { "type": "string" }, "uniqueItems": true, "readonly": false });
        let property: Property = serde_json::from_value(given).unwrap();
        assert_eq!(
            serde_json::to_value(property).unwrap(),
            json!({ "type": "integer", "title": "T", "minimum": 1, "default": "7", "enum": ["a"], "minLength": 2,
                "items": { "type": "string" }, "uniqueItems": true, "readonly": false })
        );
    }

    #[test]
    fn what_no_definition_has_is_refused() {
        for wrong in [
            json!({ "color": 1 }),
            json!({ "minimum": 1.5 }),
            json!({ "enum": [1] }),
            json!({ "default": [] }),
            json!({ "items": {} }),
        ] {
            assert!(serde_json::from_value::<Property>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
