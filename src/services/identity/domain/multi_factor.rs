//! Multi-factor rules: the sets of methods, one of which a user must prove to be let in (`options` of the user).

use serde_json::Value;

use super::Object;

/// The user's rules, as far as they name methods that there are (`known`); none where they do not count.
fn rules<'o>(options: &'o Object, known: &[&str]) -> Vec<Vec<&'o str>> {
    if options.get("multi_factor_auth_enabled").and_then(Value::as_bool) == Some(false) {
        return Vec::new();
    }
    let all = options.get("multi_factor_auth_rules").and_then(Value::as_array);
    let rule = |rule: &'o Value| -> Option<Vec<&'o str>> {
        let names: Vec<&str> = rule.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        let known: Vec<&str> = names.into_iter().filter(|name| known.contains(name)).collect();
        // A rule of unknown methods alone would lock everybody out, or let everybody in.
        (!known.is_empty()).then_some(known)
    };
    all.into_iter().flatten().filter_map(rule).collect()
}

/// What is missing to the methods `proven`: the rules that they go some way to. None where they are enough.
pub(crate) fn missing(options: &Object, proven: &[String], known: &[&str]) -> Option<Vec<Vec<String>>> {
    let rules = rules(options, known);
    let has = |name: &&str| proven.iter().any(|proven| proven == name);
    if rules.is_empty() || rules.iter().any(|rule| rule.iter().all(has)) {
        return None;
    }
    let begun = rules.iter().filter(|rule| rule.iter().any(has));
    Some(begun.map(|rule| rule.iter().map(|name| (*name).to_owned()).collect()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 4] = ["password", "token", "totp", "application_credential"];

    fn check(options: Value, proven: &[&str]) -> Option<Vec<Vec<String>>> {
        let proven: Vec<String> = proven.iter().map(|name| (*name).to_owned()).collect();
        missing(options.as_object().unwrap(), &proven, &KNOWN)
    }

    #[test]
    fn one_whole_rule_lets_in() {
        let both = json!({"multi_factor_auth_rules": [["password", "totp"], ["application_credential"]]});
        assert_eq!(check(both.clone(), &["password", "totp"]), None);
        assert_eq!(check(both.clone(), &["token", "totp", "password"]), None);
        assert_eq!(check(both.clone(), &["application_credential"]), None);
        let expected = vec![vec!["password".to_owned(), "totp".to_owned()]];
        assert_eq!(check(both.clone(), &["password"]), Some(expected), "only what was begun is asked for");
        assert_eq!(check(both, &["token"]), Some(Vec::new()));
    }

    #[test]
    fn rules_that_make_no_sense_lock_nobody_out() {
        for options in [
            json!({}),
            json!({"multi_factor_auth_rules": []}),
            json!({"multi_factor_auth_rules": [["password", "totp"]], "multi_factor_auth_enabled": false}),
            json!({"multi_factor_auth_rules": [["fingerprint"]]}),
            json!({"multi_factor_auth_rules": [[]]}),
            json!({"multi_factor_auth_rules": [["password", 1]]}),
            json!({"multi_factor_auth_rules": "password"}),
            json!({"multi_factor_auth_rules": [["password", "fingerprint"]]}),
        ] {
            assert_eq!(check(options.clone(), &["password"]), None, "{options}");
        }
    }
}
