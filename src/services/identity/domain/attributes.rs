//! The attributes of a resource in a request: the known ones are taken out one by one, the rest are kept as they are.
//!
//! Keystone stores what it does not know in an `extra` column and answers with it; so do we.
//! Types were checked against the endpoint's schema before; a value of another type counts as absent.

use kit::Fault;
use serde_json::Value;

use super::Object;

/// The attributes that a request gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes(Object);

impl Attributes {
    pub(crate) fn new(object: Object) -> Self {
        Self(object)
    }

    /// The text `name`, where it is given and not null.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.nullable(name).flatten()
    }

    /// Takes the text `name`, which must not change: `now` is what it is, `what` how the client is told of it.
    ///
    /// # Errors
    /// 400 where another is given.
    pub(crate) fn same(&mut self, name: &str, now: &str, what: &str) -> Result<(), Fault> {
        match self.text(name) {
            Some(given) if given != now => Err(Fault::bad_request(format!("Cannot change {what}"))),
            _ => Ok(()),
        }
    }

    /// The text or null `name`; the outer option says whether it is given.
    pub(crate) fn nullable(&mut self, name: &str) -> Option<Option<String>> {
        match self.0.remove(name)? {
            Value::String(text) => Some(Some(text)),
            Value::Null => Some(None),
            _ => None,
        }
    }

    /// The boolean `name`; as text it is read as Keystone reads it.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.0.remove(name)? {
            Value::Bool(truth) => Some(truth),
            Value::String(text) => http_kit::query::boolean(&text),
            _ => None,
        }
    }

    /// The object `name`.
    pub(crate) fn object(&mut self, name: &str) -> Option<Object> {
        match self.0.remove(name)? {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The list `name`.
    pub(crate) fn array(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.0.remove(name)? {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The list of texts `name`.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let Value::Array(items) = self.0.remove(name)? else { return None };
        Some(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }

    /// The items of the list `name`; none where it is not given.
    pub(crate) fn items(&mut self, name: &str) -> Vec<Value> {
        match self.0.remove(name) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    /// Whether `name` is given as null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    /// The integer `name`.
    pub(crate) fn integer(&mut self, name: &str) -> Option<i64> {
        self.0.remove(name)?.as_i64()
    }

    /// Looks at `name`, whatever it is, without taking it.
    pub(crate) fn peek_value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Looks at the text `name` without taking it.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// How many attributes there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Drops `names`: what a client must not set.
    pub(crate) fn drop(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// What has not been taken.
    pub(crate) fn rest(self) -> Object {
        self.0
    }
}

/// Changes `options` as `changes` say; a null takes an option away.
pub(crate) fn change_options(options: &mut Object, changes: Object) {
    for (name, value) in changes {
        if value.is_null() {
            options.remove(&name);
        } else {
            options.insert(name, value);
        }
    }
}

/// Whether the option `immutable` is set.
pub(crate) fn is_immutable(options: &Object) -> bool {
    options.get("immutable").and_then(Value::as_bool).unwrap_or(false)
}

/// Whether an update of an immutable resource may pass: it must make it mutable and do nothing else.
pub(crate) fn only_makes_mutable(attributes: &Attributes) -> bool {
    let made_mutable = attributes
        .0
        .get("options")
        .and_then(|options| options.get("immutable"))
        .is_some_and(|value| value.is_null() || value == &Value::Bool(false));
    attributes.len() == 1 && made_mutable
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_must_not_change_may_be_repeated() {
        let given = |value: Value| Attributes::new(value.as_object().cloned().unwrap());
        assert!(given(json!({ "id": "a" })).same("id", "a", "ID").is_ok());
        assert!(given(json!({ "id": null })).same("id", "a", "ID").is_ok());
        assert!(given(json!({})).same("id", "a", "ID").is_ok());
        let refused = given(json!({ "id": "b" })).same("id", "a", "ID").unwrap_err();
        assert_eq!((refused.kind(), refused.message()), (kit::FaultKind::BadRequest, "Cannot change ID"));
    }

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn known_attributes_are_taken_and_the_rest_kept() {
        let mut given = attributes(json!({"name": "a", "enabled": "True", "domain_id": null, "email": "a@b"}));
        assert_eq!(given.text("name").as_deref(), Some("a"));
        assert_eq!(given.flag("enabled"), Some(true));
        assert_eq!(given.nullable("domain_id"), Some(None));
        assert_eq!(given.nullable("description"), None);
        assert_eq!(Value::Object(given.rest()), json!({"email": "a@b"}));
    }

    #[test]
    fn an_immutable_resource_can_only_be_made_mutable() {
        assert!(only_makes_mutable(&attributes(json!({"options": {"immutable": false}}))));
        assert!(only_makes_mutable(&attributes(json!({"options": {"immutable": null}}))));
        assert!(!only_makes_mutable(&attributes(json!({"options": {"immutable": false}, "name": "x"}))));
        assert!(!only_makes_mutable(&attributes(json!({"options": {"immutable": true}}))));
        assert!(!only_makes_mutable(&attributes(json!({"name": "x"}))));
    }

    #[test]
    fn a_null_option_goes_away() {
        let mut options = json!({"immutable": true}).as_object().unwrap().clone();
        change_options(&mut options, json!({"immutable": null}).as_object().unwrap().clone());
        assert!(options.is_empty());
    }
}
