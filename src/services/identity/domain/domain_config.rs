//! A domain's own configuration: which options there are, and what a request may do to them.
//!
//! Keystone keeps it for its LDAP driver. cloudbox has none: it stores what is set, and nothing else comes of it.

use std::fmt::Display;

use kit::Fault;
use serde_json::{Map, Value};

/// Every group.
const GROUPS: [&str; 2] = ["identity", "ldap"];

/// The options that can be set and never read.
const SECRETS: &[(&str, &str)] = &[("ldap", "password")];

/// The options that can be set and read: group, name, and Keystone's default as JSON.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("identity", "driver", r#""sql""#),
    ("identity", "list_limit", "null"),
    ("ldap", "url", r#""ldap://localhost""#),
    ("ldap", "user", "null"),
    ("ldap", "suffix", r#""cn=example,cn=com""#),
    ("ldap", "query_scope", r#""one""#),
    ("ldap", "page_size", "0"),
    ("ldap", "alias_dereferencing", r#""default""#),
    ("ldap", "debug_level", "null"),
    ("ldap", "chase_referrals", "null"),
    ("ldap", "user_tree_dn", "null"),
    ("ldap", "user_filter", "null"),
    ("ldap", "user_objectclass", r#""inetOrgPerson""#),
    ("ldap", "user_id_attribute", r#""cn""#),
    ("ldap", "user_name_attribute", r#""sn""#),
    ("ldap", "user_mail_attribute", r#""mail""#),
    ("ldap", "user_description_attribute", r#""description""#),
    ("ldap", "user_pass_attribute", r#""userPassword""#),
    ("ldap", "user_enabled_attribute", r#""enabled""#),
    ("ldap", "user_enabled_invert", "false"),
    ("ldap", "user_enabled_mask", "0"),
    ("ldap", "user_enabled_default", r#""True""#),
    ("ldap", "user_attribute_ignore", r#"["default_project_id"]"#),
    ("ldap", "user_default_project_id_attribute", "null"),
    ("ldap", "user_enabled_emulation", "false"),
    ("ldap", "user_enabled_emulation_dn", "null"),
    ("ldap", "user_enabled_emulation_use_group_config", "false"),
    ("ldap", "user_additional_attribute_mapping", "[]"),
    ("ldap", "group_tree_dn", "null"),
    ("ldap", "group_filter", "null"),
    ("ldap", "group_objectclass", r#""groupOfNames""#),
    ("ldap", "group_id_attribute", r#""cn""#),
    ("ldap", "group_name_attribute", r#""ou""#),
    ("ldap", "group_members_are_ids", "false"),
    ("ldap", "group_member_attribute", r#""member""#),
    ("ldap", "group_desc_attribute", r#""description""#),
    ("ldap", "group_attribute_ignore", "[]"),
    ("ldap", "group_additional_attribute_mapping", "[]"),
    ("ldap", "tls_cacertfile", "null"),
    ("ldap", "tls_cacertdir", "null"),
    ("ldap", "use_tls", "false"),
    ("ldap", "tls_req_cert", r#""demand""#),
    ("ldap", "use_pool", "true"),
    ("ldap", "pool_size", "10"),
    ("ldap", "pool_retry_max", "3"),
    ("ldap", "pool_retry_delay", "0.1"),
    ("ldap", "pool_connection_timeout", "-1"),
    ("ldap", "pool_connection_lifetime", "600"),
    ("ldap", "use_auth_pool", "true"),
    ("ldap", "auth_pool_size", "100"),
    ("ldap", "auth_pool_connection_lifetime", "60"),
];

/// An option of a domain with its value. A secret has none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    pub(crate) group: String,
    pub(crate) option: String,
    pub(crate) value: Option<Value>,
}

/// What of the configuration a request is about: all of it, a group, or an option.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) group: Option<String>,
    pub(crate) option: Option<String>,
}

fn invalid(reason: impl Display) -> Fault {
    Fault::forbidden(format!("Invalid domain specific configuration: {reason}."))
}

fn is_secret(group: &str, option: &str) -> bool {
    SECRETS.contains(&(group, option))
}

fn is_readable(group: &str, option: &str) -> bool {
    OPTIONS.iter().any(|(of, name, _)| (*of, *name) == (group, option))
}

fn check_group(group: &str) -> Result<(), Fault> {
    match GROUPS.contains(&group) {
        true => Ok(()),
        false => Err(invalid(format_args!("Group {group} is not supported for domain specific configurations"))),
    }
}

fn check_option(group: &str, option: &str) -> Result<(), Fault> {
    check_group(group)?;
    match is_secret(group, option) || is_readable(group, option) {
        true => Ok(()),
        false => Err(invalid(format_args!(
            "Option {option} in group {group} is not supported for domain specific configurations"
        ))),
    }
}

impl Part {
    /// It must be one that domains have.
    ///
    /// # Errors
    /// 403 for any other.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match (&self.group, &self.option) {
            (Some(group), Some(option)) => check_option(group, option),
            (Some(group), None) => check_group(group),
            (None, _) => Ok(()),
        }
    }

    /// Whether `setting` is of it.
    pub(crate) fn has(&self, setting: &Setting) -> bool {
        self.group.as_ref().is_none_or(|group| *group == setting.group)
            && self.option.as_ref().is_none_or(|option| *option == setting.option)
    }

    /// 404: nothing of it is set.
    pub(crate) fn not_found(&self, domain_id: &str) -> Fault {
        let what = match (&self.group, &self.option) {
            (Some(group), Some(option)) => format!("option {option} in group {group}"),
            (Some(group), None) => format!("group {group}"),
            (None, _) => "any options".to_owned(),
        };
        Fault::not_found(format!("Could not find {what} in domain configuration for domain {domain_id}."))
    }

    /// The settings that a change of this part by `config` makes.
    ///
    /// # Errors
    /// 403 for what is not an option, or not of this part.
    pub(crate) fn change(&self, config: &Value) -> Result<Vec<Setting>, Fault> {
        let settings = match (&self.group, &self.option) {
            // A change of an option names the option alone.
            (Some(group), Some(_)) => parse(&Value::Object(Map::from_iter([(group.clone(), config.clone())])))?,
            _ => parse(config)?,
        };
        self.check()?;
        if let Some(group) = &self.group {
            self.check_alone(group, &settings)?;
        }
        Ok(settings)
    }

    /// A change of a group or an option must not touch others.
    fn check_alone(&self, group: &str, settings: &[Setting]) -> Result<(), Fault> {
        let mut groups: Vec<&str> = settings.iter().map(|setting| setting.group.as_str()).collect();
        groups.dedup();
        match (&self.option, groups.as_slice(), settings) {
            (None, [only], _) if *only == group => Ok(()),
            (None, [other], _) => Err(invalid(format_args!(
                "request to update group {group}, but config provided contains group {other} instead"
            ))),
            (None, ..) => Err(invalid(format_args!(
                "Trying to update group {group}, so that, and only that, group must be specified in the config"
            ))),
            (Some(option), _, [only]) if only.option == *option => Ok(()),
            (Some(option), _, [other]) => Err(invalid(format_args!(
                "Trying to update option {option} in group {group}, but config provided contains option {} instead",
                other.option
            ))),
            (Some(option), ..) => Err(invalid(format_args!(
                "Trying to update option {option} in group {group}, so that, and only that, option must be specified \
                 in the config"
            ))),
        }
    }
}

/// The settings of a whole configuration.
///
/// # Errors
/// 403 where there are none, and for what is not an option.
pub(crate) fn parse(config: &Value) -> Result<Vec<Setting>, Fault> {
    let groups = config.as_object().filter(|groups| !groups.is_empty());
    let groups = groups.ok_or_else(|| invalid("No options specified"))?;
    let mut settings = Vec::new();
    for (group, options) in groups {
        let Some(options) = options.as_object().filter(|options| !options.is_empty()) else {
            return Err(invalid(format_args!(
                "The value of group {group} specified in the config should be a dictionary of options"
            )));
        };
        for (option, value) in options {
            check_option(group, option)?;
            let value = (!is_secret(group, option)).then(|| value.clone());
            settings.push(Setting { group: group.clone(), option: option.clone(), value });
        }
    }
    Ok(settings)
}

/// What holds for a domain that sets nothing of `part`.
///
/// # Errors
/// 403 for what is not an option, or a secret one.
pub(crate) fn defaults(part: &Part) -> Result<Vec<Setting>, Fault> {
    part.check()?;
    if let (Some(group), Some(option)) = (&part.group, &part.option)
        && is_secret(group, option)
    {
        return Err(invalid(format_args!("Reading the default for option {option} in group {group} is not supported")));
    }
    let setting = |(group, option, json): &(&str, &str, &str)| {
        let value = serde_json::from_str(json).map_err(|error| Fault::internal("reading a default", error))?;
        Ok(Setting { group: (*group).to_owned(), option: (*option).to_owned(), value: Some(value) })
    };
    let all: Result<Vec<Setting>, Fault> = OPTIONS.iter().map(setting).collect();
    Ok(all?.into_iter().filter(|setting| part.has(setting)).collect())
}

/// The group whose options are settings of the cloud that anybody may read.
pub(crate) const SECURITY_COMPLIANCE: &str = "security_compliance";

/// Those settings, as far as `part` asks for them; `rule` is the cloud's rule for passwords and its description.
///
/// # Errors
/// 403 for another domain than the default one, and for other options.
pub(crate) fn security_compliance(
    domain_id: &str,
    part: &Part,
    rule: [Option<&str>; 2],
) -> Result<Vec<Setting>, Fault> {
    if domain_id != super::DEFAULT_DOMAIN {
        return Err(invalid(
            "Reading security compliance information for any domain other than the default domain is not allowed or \
             supported.",
        ));
    }
    let named = ["password_regex", "password_regex_description"].into_iter().zip(rule);
    let settings: Vec<Setting> = named
        .map(|(option, value)| Setting {
            group: SECURITY_COMPLIANCE.to_owned(),
            option: option.to_owned(),
            value: Some(value.map_or(Value::Null, Value::from)),
        })
        .filter(|setting| part.has(setting))
        .collect();
    if settings.is_empty() {
        return Err(invalid(
            "Reading security compliance values other than password_regex and password_regex_description is not allowed.",
        ));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(path: &str) -> Part {
        let mut names = path.split('/').filter(|name| !name.is_empty()).map(str::to_owned);
        Part { group: names.next(), option: names.next() }
    }

    fn refused(path: &str, config: Value) -> String {
        part(path).change(&config).unwrap_err().message().to_owned()
    }

    #[test]
    fn every_default_is_json_and_of_a_group() {
        let all = defaults(&Part::default()).unwrap();
        assert_eq!(all.len(), OPTIONS.len());
        assert!(all.iter().all(|setting| GROUPS.contains(&setting.group.as_str())));
        assert_eq!(defaults(&part("ldap/page_size")).unwrap()[0].value, Some(json!(0)));
        assert_eq!(defaults(&part("identity")).unwrap().len(), 2);
        assert!(defaults(&part("ldap/password")).unwrap_err().message().contains("is not supported"));
        assert!(defaults(&part("nope")).is_err());
    }

    #[test]
    fn a_secret_has_no_value() {
        let settings = parse(&json!({"ldap": {"password": "p", "url": "u"}})).unwrap();
        let values: Vec<_> = settings.into_iter().map(|setting| (setting.option, setting.value)).collect();
        assert_eq!(values, [("password".to_owned(), None), ("url".to_owned(), Some(json!("u")))]);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for (config, expected) in [
            (json!({}), "No options specified."),
            (json!({"ldap": {}}), "The value of group ldap specified in the config should be a dictionary of options."),
            (json!({"ldap": 1}), "The value of group ldap specified in the config should be a dictionary of options."),
            (json!({"x": {"y": 1}}), "Group x is not supported for domain specific configurations."),
            (json!({"ldap": {"y": 1}}), "Option y in group ldap is not supported for domain specific configurations."),
        ] {
            assert_eq!(refused("", config), format!("Invalid domain specific configuration: {expected}"));
        }
    }

    #[test]
    fn a_change_of_a_part_keeps_to_it() {
        let url = json!({"ldap": {"url": "u"}});
        assert_eq!(part("ldap").change(&url).unwrap(), parse(&url).unwrap());
        assert_eq!(part("ldap/url").change(&json!({"url": "u"})).unwrap(), parse(&url).unwrap());
        let two = json!({"ldap": {"url": "u"}, "identity": {"driver": "ldap"}});
        assert!(refused("ldap", two).contains("that, and only that, group must be specified"));
        assert!(refused("identity", url).contains("contains group ldap instead"));
        assert!(refused("ldap/url", json!({"url": "u", "user": "x"})).contains("that, and only that, option must"));
        assert!(refused("ldap/url", json!({"user": "x"})).contains("contains option user instead"));
        assert!(refused("ldap/url", json!({})).contains("should be a dictionary"));
    }

    #[test]
    fn the_rule_for_passwords_is_told_of_the_default_domain() {
        let rule = [Some("^a$"), None];
        let all = security_compliance("default", &part("security_compliance"), rule).unwrap();
        assert_eq!(all.iter().map(|it| it.value.clone().unwrap()).collect::<Vec<_>>(), [json!("^a$"), Value::Null]);
        assert_eq!(security_compliance("default", &part("security_compliance/password_regex"), rule).unwrap().len(), 1);
        assert!(security_compliance("default", &part("security_compliance/lockout"), rule).is_err());
        assert!(security_compliance("other", &part("security_compliance"), rule).is_err());
    }
}
