//! What an identity provider says of somebody, under the names that mappings know it by.
//!
//! Mappings are written against what Apache's mod_auth_openidc hands to Keystone: `OIDC-sub` with the prefix of
//! Keystone's guide, `OIDC_CLAIM_sub` with the module's own, `HTTP_OIDC_SUB` where it travels as a header. All three are given.
//! A list is joined by semicolons, and a semicolon in a value divides it, as there.

use serde_json::Value;

use crate::domain::Object;
use crate::domain::mapping::{Assertion, assertion};

/// The attributes of somebody of whom `claims` are said.
pub(crate) fn attributes(claims: &Object) -> Assertion {
    let texts: Vec<(String, String)> =
        claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    let mut named = Vec::new();
    for (name, value) in &texts {
        let header: String =
            name.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' }).collect();
        for name in [format!("OIDC-{name}"), format!("OIDC_CLAIM_{name}"), format!("HTTP_OIDC_{header}")] {
            named.push((name, value.as_str()));
        }
    }
    assertion(named.iter().map(|(name, value)| (name.as_str(), *value)))
}

/// A claim as Apache writes it; none for what it leaves out.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(if *truth { "1" } else { "0" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(text).collect::<Vec<_>>().join(";")),
        Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_named_as_apache_names_them() {
        let claims = json!({
            "sub": "s", "iss": "https://i", "groups": ["a", "b;c", true], "email_verified": true, "n": 7,
            "https://example/roles": ["r"], "address": {"country": "CH"}, "nothing": null,
        });
        let attributes = attributes(claims.as_object().unwrap());
        for name in ["OIDC-sub", "OIDC_CLAIM_sub", "HTTP_OIDC_SUB"] {
            assert_eq!(attributes[name], ["s"], "{name}");
        }
        assert_eq!(attributes["OIDC-groups"], ["a", "b", "c", "1"]);
        assert_eq!(attributes["HTTP_OIDC_ISS"], ["https://i"]);
        assert_eq!(attributes["HTTP_OIDC_EMAIL_VERIFIED"], ["1"]);
        assert_eq!(attributes["HTTP_OIDC_HTTPS___EXAMPLE_ROLES"], ["r"]);
        assert_eq!(attributes["OIDC-address"], [r#"{"country":"CH"}"#]);
        assert_eq!(attributes["OIDC-n"], ["7"]);
        assert!(!attributes.contains_key("OIDC-nothing"));
    }
}
