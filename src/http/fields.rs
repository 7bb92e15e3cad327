//! `fields=id&fields=name`: only some attributes of each item (Neutron).

use serde_json::{Map, Value};

use crate::query::Query;

/// The attributes that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<String>);

impl Fields {
    /// Reads the query's `fields`; none or only empty ones mean all.
    #[must_use]
    pub fn parse(query: &Query) -> Self {
        Self(query.all("fields").filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether everything is wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name` is wanted.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.is_all() || self.0.iter().any(|wanted| wanted == name)
    }

    /// Takes out of `item` what is not wanted. A name that it does not have is left out without a word.
    pub fn keep(&self, item: &mut Map<String, Value>) {
        if !self.is_all() {
            item.retain(|name, _| self.wants(name));
        }
    }

    /// `item` with only what is wanted, where it is an object.
    #[must_use]
    pub fn of(&self, mut item: Value) -> Value {
        if let Some(fields) = item.as_object_mut() {
            self.keep(fields);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_stays() {
        let item = json!({ "id": 1, "name": "a", "mtu": 3 });
        let of = |query: &str| Fields::parse(&Query::parse(query)).of(item.clone());
        assert_eq!(of("fields=id&fields=name&fields=bogus"), json!({ "id": 1, "name": "a" }));
        assert_eq!(of(""), item);
        assert_eq!(of("fields="), item);
    }
}
