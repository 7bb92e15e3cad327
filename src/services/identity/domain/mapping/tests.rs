//! Mappings as operators write them, and hostile ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn apply(rules: Value, version: &str, attributes: &[(&str, &str)]) -> Result<Mapped, MappingError> {
    Mapping::read(&rules, version)?.apply(&assertion(attributes.iter().copied()))
}

const BOB: &[(&str, &str)] = &[
    ("UserName", "bob"),
    ("Email", "bob@example.com"),
    ("orgPersonType", "Employee;Manager"),
    ("groups", "devs;ops;x-secret"),
];

fn user(name: &str) -> Option<MappedUser> {
    Some(MappedUser { name: Some(name.to_owned()), ..MappedUser::default() })
}

fn default_domain() -> DomainNamed {
    DomainNamed::Id("default".to_owned())
}

#[test]
fn somebody_becomes_a_user_with_groups() {
    let rules = json!([{
        "remote": [{"type": "UserName"}, {"type": "Email"}, {"type": "orgPersonType", "not_any_of": ["Guest"]}],
        "local": [
            {"user": {"name": "{0}", "email": "{1}", "domain": {"name": "corp"}}},
            {"group": {"id": "g1"}},
            {"group": {"name": "staff", "domain": {"id": "default"}}},
            {"group_ids": "['g1', 'g2']"},
        ],
    }]);
    let mapped = apply(rules, "1.0", BOB).unwrap();
    let user = mapped.user.unwrap();
    assert_eq!((user.name.as_deref(), user.email.as_deref()), (Some("bob"), Some("bob@example.com")));
    assert_eq!(user.domain, Some(DomainNamed::Name("corp".to_owned())));
    assert_eq!(mapped.group_ids, ["g1", "g2"]);
    assert_eq!(mapped.groups, [NamedGroup { name: "staff".to_owned(), domain: default_domain() }]);
    assert!(!mapped.takes_away);
}

#[test]
fn a_rule_applies_when_all_its_requirements_hold() {
    let with = |requirement: Value| {
        let rules = json!([{"remote": [{"type": "UserName"}, requirement], "local": [{"user": {"name": "{0}"}}]}]);
        apply(rules, "1.0", BOB).map(|mapped| mapped.user)
    };
    for holds in [
        json!({"type": "orgPersonType", "any_one_of": ["Manager"]}),
        json!({"type": "orgPersonType", "any_one_of": ["^Man"], "regex": true}),
        json!({"type": "orgPersonType", "not_any_of": ["Man"]}),
        json!({"type": "orgPersonType", "any_one_of": [7, "Manager"]}),
        json!({"type": "Email"}),
    ] {
        assert_eq!(with(holds.clone()).unwrap(), user("bob"), "{holds}");
    }
    for fails in [
        json!({"type": "orgPersonType", "any_one_of": ["Man"]}),
        json!({"type": "orgPersonType", "not_any_of": ["^Man"], "regex": true}),
        json!({"type": "orgPersonType", "any_one_of": []}),
        json!({"type": "Nothing"}),
        json!({"type": "Nothing", "not_any_of": ["x"]}),
    ] {
        assert!(matches!(with(fails.clone()), Err(MappingError::Nobody)), "{fails}");
    }
}

#[test]
fn lists_are_filtered_and_keep_their_places() {
    let groups = |requirement: Value, local: &str| {
        let local = json!([{"user": {"name": "{0}"}}, {"groups": local, "domain": {"id": "default"}}]);
        let rules = json!([{"remote": [{"type": "UserName"}, requirement], "local": local}]);
        let mapped = apply(rules, "1.0", BOB).unwrap();
        mapped.groups.into_iter().map(|group| group.name).collect::<Vec<_>>()
    };
    assert_eq!(groups(json!({"type": "groups", "whitelist": ["ops", "qa"]}), "{1}"), ["ops"]);
    assert_eq!(groups(json!({"type": "groups", "blacklist": ["ops"]}), "{1}"), ["devs", "x-secret"]);
    assert_eq!(groups(json!({"type": "groups", "blacklist": ["^x-"], "regex": true}), "{1}"), ["devs", "ops"]);
    assert_eq!(groups(json!({"type": "groups", "whitelist": []}), "{1}"), Vec::<String>::new());
    assert_eq!(groups(json!({"type": "groups"}), "['fixed', 'of-{0}']"), ["fixed", "of-bob"]);
    assert_eq!(groups(json!({"type": "groups"}), "surnames"), ["surnames"]);
}

#[test]
fn groups_want_a_domain() {
    let groups = |local: Value| {
        let rules = json!([{"remote": [{"type": "groups"}], "local": [{"user": {"name": "x"}}, local]}]);
        apply(rules, "1.0", &[("groups", r#"JSON:{"name": "g", "domain": {"name": "d"}}"#)]).map(|mapped| mapped.groups)
    };
    let named = NamedGroup { name: "g".to_owned(), domain: DomainNamed::Name("d".to_owned()) };
    assert_eq!(groups(json!({"groups": "{0}"})).unwrap(), [named]);
    assert!(matches!(groups(json!({"groups": "plain"})), Err(MappingError::GroupDomain)));
}

#[test]
fn the_first_user_and_the_last_projects_count() {
    let project = |name: &str| json!([{"name": name, "roles": [{"name": "member"}]}]);
    let rules = json!([
        {"remote": [{"type": "UserName"}], "local": [{"user": {"name": "{0}"}, "projects": project("first")}]},
        {"remote": [{"type": "UserName"}], "local": [{"user": {"name": "other"}, "projects": project("of {0}")}]},
    ]);
    let mapped = apply(rules, "1.0", BOB).unwrap();
    assert_eq!(mapped.user, user("bob"));
    let expected = MappedProject { name: "of bob".to_owned(), domain: None, roles: vec!["member".to_owned()] };
    assert_eq!(mapped.projects, [expected]);
}

#[test]
fn the_second_version_honours_domains() {
    let local = json!([{
        "domain": {"id": "default"},
        "user": {"name": "{0}"},
        "projects": [
            {"name": "a", "roles": []},
            {"name": "b", "roles": [], "domain": {"name": "other"}},
        ],
    }]);
    let rules = json!([{"remote": [{"type": "UserName"}], "local": local}]);
    assert!(matches!(apply(rules.clone(), "1.0", BOB), Err(MappingError::Unknown("domain"))));
    let mapped = apply(rules, "2.0", BOB).unwrap();
    assert_eq!(mapped.user.unwrap().domain, Some(default_domain()));
    let domains: Vec<_> = mapped.projects.into_iter().map(|project| project.domain).collect();
    assert_eq!(domains, [Some(default_domain()), Some(DomainNamed::Name("other".to_owned()))]);
}

#[test]
fn the_third_version_takes_projects_from_the_provider() {
    let rules = json!([{
        "remote": [{"type": "UserName"}, {"type": "projects"}],
        "local": [{"user": {"name": "{0}", "type": "local"}, "projects_json": "{1}"}],
    }]);
    assert!(matches!(apply(rules.clone(), "2.0", BOB), Err(MappingError::Unknown("projects_json"))));
    let sent = |json: &str| apply(rules.clone(), "3.0", &[("UserName", "bob"), ("projects", json)]);
    let mapped = sent(r#"[{"name": "p", "roles": [{"name": "member"}]}]"#).unwrap();
    assert_eq!((mapped.projects.len(), mapped.takes_away), (1, true));
    assert_eq!(mapped.user.unwrap().kind, UserKind::Local);
    for wrong in ["", "{}", r#"[{"name": "p"}]"#, r#"[{"name": "p", "roles": [], "x": 1}]"#] {
        assert!(matches!(sent(wrong), Err(MappingError::Json(_))), "{wrong}");
    }
}

#[test]
fn what_is_no_mapping_is_refused() {
    let remote = json!([{"type": "UserName"}]);
    let user = json!([{"user": {"name": "{0}"}}]);
    let huge = json!([{"type": "a", "any_one_of": [format!("(a{{1000}}){{1000}}")], "regex": true}]);
    for (rules, version) in [
        (json!([]), "1.0"),
        (json!({}), "1.0"),
        (json!([{"remote": remote, "local": user}]), "4.0"),
        (json!([{"remote": [], "local": user}]), "1.0"),
        (json!([{"remote": remote}]), "1.0"),
        (json!([{"remote": remote, "local": user, "extra": 1}]), "1.0"),
        (json!([{"remote": [{"type": "a", "any_one_of": ["x"], "whitelist": ["y"]}], "local": []}]), "1.0"),
        (json!([{"remote": [{"type": "a", "regex": true}], "local": []}]), "1.0"),
        (json!([{"remote": [{"type": "a", "any_one_of": ["("], "regex": true}], "local": []}]), "1.0"),
        (json!([{"remote": [{"type": "a", "any_one_of": [1], "regex": true}], "local": []}]), "1.0"),
        (json!([{"remote": huge, "local": []}]), "1.0"),
        (json!([{"remote": remote, "local": [{"user": {"name": "{1}"}}]}]), "1.0"),
        (json!([{"remote": remote, "local": [{"user": {"type": "alien"}}]}]), "1.0"),
        (json!([{"remote": remote, "local": [{"group": {"name": "g"}}]}]), "1.0"),
        (json!([{"remote": remote, "local": [{"group": {"id": "g", "name": "g", "domain": {}}}]}]), "1.0"),
        (json!(vec![json!({"remote": remote, "local": user}); MOST_RULES + 1]), "1.0"),
    ] {
        assert!(Mapping::read(&rules, version).is_err(), "{rules}");
    }
}

/// JSON that is often nearly a mapping.
fn nearly() -> impl Strategy<Value = Value> {
    let text = || prop_oneof!["[a-c{}0-2;\\[\\]'()*+]{0,8}", Just("{0}".to_owned()), Just("UserName".to_owned())];
    let list = prop::collection::vec(text(), 0..4);
    let requirement = (text(), prop::sample::select(vec!["any_one_of", "not_any_of", "blacklist", "whitelist", "x"]))
        .prop_flat_map(move |(kind, test)| {
            (list.clone(), any::<Option<bool>>()).prop_map(move |(values, regex)| match regex {
                Some(regex) => json!({"type": kind, test: values, "regex": regex}),
                None => json!({"type": kind, test: values}),
            })
        });
    let present = text().prop_map(|kind| json!({"type": kind}));
    let local = (text(), text(), text()).prop_map(|(name, groups, domain)| {
        json!({"user": {"name": name}, "groups": groups, "group_ids": groups, "domain": {"id": domain}})
    });
    let remote = prop::collection::vec(prop_oneof![2 => present, 1 => requirement], 0..4);
    let rule = (remote, prop::collection::vec(local, 0..3))
        .prop_map(|(remote, local)| json!({"remote": remote, "local": local}));
    prop::collection::vec(rule, 0..4).prop_map(Value::Array)
}

proptest! {
    #[test]
    fn nothing_breaks_it(rules in nearly(), value in ".{0,20}", version in prop::sample::select(vec!["1.0", "2.0", "3.0"])) {
        if let Ok(mapping) = Mapping::read(&rules, version) {
            let one = mapping.apply(&assertion([("UserName", value.as_str()), ("a", value.as_str()), ("b", "1;2")]));
            let other = mapping.apply(&assertion([("UserName", value.as_str()), ("a", value.as_str()), ("b", "1;2")]));
            prop_assert_eq!(one.ok(), other.ok(), "the same comes of the same");
        }
    }

    #[test]
    fn a_blacklist_and_a_whitelist_divide_what_there_is(values in prop::collection::vec("[a-d]", 1..6), listed in prop::collection::vec("[a-d]", 0..4)) {
        let kept = |kind: &str| {
            let rules = json!([{"remote": [{"type": "g", kind: listed}], "local": [{"group_ids": "{0}"}]}]);
            apply(rules, "1.0", &[("g", values.join(";").as_str())]).unwrap().group_ids
        };
        let (black, white) = (kept("blacklist"), kept("whitelist"));
        prop_assert!(white.iter().all(|value| listed.contains(value)));
        prop_assert!(black.iter().all(|value| !listed.contains(value)));
        prop_assert!(values.iter().all(|value| black.contains(value) != white.contains(value)));
    }

    #[test]
    fn an_escaped_pattern_is_the_text_itself(value in "[ -:<-~]{1,12}", listed in "[ -:<-~]{1,12}") {
        let holds = |values: Value, regex: bool| {
            let remote = json!([{"type": "a", "any_one_of": values, "regex": regex}]);
            apply(json!([{"remote": remote, "local": [{"user": {"name": "x"}}]}]), "1.0", &[("a", value.as_str())]).is_ok()
        };
        prop_assert_eq!(holds(json!([format!("^{}$", regex::escape(&listed))]), true), holds(json!([listed]), false));
    }
}
