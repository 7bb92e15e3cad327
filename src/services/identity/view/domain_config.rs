//! A domain's own configuration.

use serde_json::{Map, Value, json};

use crate::domain::domain_config::{Part, Setting};

/// The readable ones among `settings`, by group; of a single option, its value by its name.
pub(crate) fn config(part: &Part, settings: Vec<Setting>) -> Value {
    let mut groups = Map::new();
    for Setting { group, option, value } in settings {
        let Some(value) = value else { continue };
        if part.option.is_some() {
            groups.insert(option, value);
        } else if let Some(options) = groups.entry(group).or_insert_with(|| json!({})).as_object_mut() {
            options.insert(option, value);
        }
    }
    json!({ "config": groups })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::domain_config::parse;

    #[test]
    fn secrets_are_left_out() {
        let settings = || parse(&json!({"ldap": {"password": "p", "url": "u"}, "identity": {"driver": "d"}})).unwrap();
        let shown = config(&Part::default(), settings());
        assert_eq!(shown, json!({"config": {"ldap": {"url": "u"}, "identity": {"driver": "d"}}}));
        let part = Part { group: Some("ldap".to_owned()), option: Some("url".to_owned()) };
        let of_part = settings().into_iter().filter(|setting| part.has(setting)).collect();
        assert_eq!(config(&part, of_part), json!({"config": {"url": "u"}}));
    }
}
