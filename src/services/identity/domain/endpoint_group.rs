//! Endpoint groups: the endpoints that have all the attributes of a filter.

use kit::Fault;
use serde_json::Value;

use super::Object;
use super::attributes::Attributes;
use super::catalog::Endpoint;
use crate::error;

/// What a filter may ask for. Keystone's reference speaks of `enabled` too, and Keystone refuses it.
const FILTERS: [&str; 3] = ["service_id", "region_id", "interface"];

/// An endpoint group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EndpointGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) filters: Object,
}

impl EndpointGroup {
    /// A group of `attributes`.
    ///
    /// # Errors
    /// 400 where there is no filter, or one that is not known.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Result<Self, Fault> {
        let filters = attributes.object("filters").unwrap_or_default();
        if filters.is_empty() {
            return Err(Fault::bad_request("filters field is required and cannot be empty"));
        }
        check_filters(&filters)?;
        Ok(Self {
            id,
            name: attributes.text("name").unwrap_or_default(),
            description: attributes.text("description"),
            filters,
        })
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 for a filter that is not known.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        if let Some(filters) = attributes.object("filters") {
            check_filters(&filters)?;
            self.filters = filters;
        }
        if let Some(name) = attributes.text("name") {
            self.name = name;
        }
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        Ok(())
    }

    /// Whether `endpoint` is in it.
    pub(crate) fn has(&self, endpoint: &Endpoint) -> bool {
        self.filters.iter().all(|(name, wanted)| {
            let actual = match name.as_str() {
                "service_id" => Some(endpoint.service_id.as_str()),
                "interface" => Some(endpoint.interface.as_str()),
                _ => endpoint.region_id.as_deref(),
            };
            match wanted {
                Value::Null => actual.is_none(),
                wanted => wanted.as_str().is_some_and(|wanted| Some(wanted) == actual),
            }
        })
    }
}

fn check_filters(filters: &Object) -> Result<(), Fault> {
    match filters.keys().all(|name| FILTERS.contains(&name.as_str())) {
        true => Ok(()),
        false => Err(error::missing(&FILTERS.join(" or "), "endpoint_group")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    fn group(filters: Value) -> Result<EndpointGroup, Fault> {
        EndpointGroup::new("g".to_owned(), attributes(json!({ "name": "g", "filters": filters })))
    }

    #[test]
    fn an_endpoint_is_in_it_when_every_filter_fits() {
        let given = json!({"service_id": "s", "interface": "public", "url": "http://a", "region_id": "r"});
        let endpoint = Endpoint::new("e".to_owned(), attributes(given));
        let has = |filters: Value| group(filters).unwrap().has(&endpoint);
        assert!(has(json!({"service_id": "s"})));
        assert!(has(json!({"service_id": "s", "interface": "public", "region_id": "r"})));
        assert!(!has(json!({"service_id": "s", "interface": "admin"})));
        assert!(!has(json!({"region_id": null})));
        let nowhere = Endpoint { region_id: None, ..endpoint.clone() };
        assert!(group(json!({"region_id": null})).unwrap().has(&nowhere));
    }

    #[test]
    fn a_filter_is_one_of_three() {
        assert_eq!(group(json!({})).unwrap_err().message(), "filters field is required and cannot be empty");
        let text = group(json!({"enabled": true})).unwrap_err().message().to_owned();
        assert!(
            text.starts_with("Expecting to find service_id or region_id or interface in endpoint_group."),
            "{text}"
        );
        let mut group = group(json!({"interface": "public"})).unwrap();
        group.apply(attributes(json!({"description": "d"}))).unwrap();
        assert!(group.apply(attributes(json!({"filters": {"url": "x"}}))).is_err());
        assert_eq!((group.description.as_deref(), group.filters.len()), (Some("d"), 1));
        group.apply(attributes(json!({"filters": {}, "name": "h"}))).unwrap();
        assert!(group.filters.is_empty() && group.name == "h");
    }
}
