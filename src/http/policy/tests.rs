use std::sync::Arc;

use kit::{Secret, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::testing::identity;

fn member() -> RequestContext {
    RequestContext::anonymous().with_user(Arc::new(identity("p1", "u1", &["member", "reader"])), Secret::new("t"))
}

fn admin() -> RequestContext {
    RequestContext::anonymous()
        .with_user(Arc::new(identity("p0", "u0", &["admin", "member", "reader"])), Secret::new("t"))
}

fn allowed(check: &'static str, context: &RequestContext, target: &Target) -> bool {
    let rules = [Rule::new("x", check, "")];
    Policy::compile(&[&rules], Scopes::ANY, &Overrides::none()).unwrap().allows("x", context, target)
}

#[test]
fn the_language_means_what_oslo_policy_means() {
    let theirs = Target::project("p2");
    let mine = Target::project("p1").with("user_id", "u1");
    for (check, target, expected) in [
        ("", &theirs, true),
        ("@", &theirs, true),
        ("!", &mine, false),
        ("role:MEMBER", &theirs, true),
        ("role:admin", &mine, false),
        ("project_id:%(project_id)s", &mine, true),
        ("project_id:%(project_id)s", &theirs, false),
        ("tenant_id:%(tenant_id)s", &mine, true),
        ("user_id:%(target.user.id)s", &mine, false),
        ("not role:admin and role:member", &theirs, true),
        ("role:admin or role:member and project_id:%(project_id)s", &mine, true),
        ("(role:admin or role:member) and project_id:%(project_id)s", &theirs, false),
        ("role:reader and (project_id:%(project_id)s or role:admin)", &mine, true),
        ("is_admin:False", &mine, true),
        ("system_scope:all", &mine, false),
        ("'p1':%(project_id)s", &mine, true),
        ("not 'p1':%(project_id)s", &mine, false),
        ("rule:project_member_or_admin", &mine, true),
        ("rule:project_member_or_admin", &theirs, false),
        ("token.project.domain.id:default", &mine, true),
        ("unheard_of:%(project_id)s", &mine, false),
    ] {
        assert_eq!(allowed(check, &member(), target), expected, "{check}");
    }
    assert!(allowed("rule:project_member_or_admin", &admin(), &theirs));
    assert!(allowed("!", &RequestContext::service("compute"), &theirs));
}

#[test]
fn a_null_attribute_is_none_and_an_absent_one_is_nothing() {
    let null = Target::new().with_option("target.role.domain_id", None::<&str>);
    assert!(allowed("None:%(target.role.domain_id)s", &member(), &null));
    assert!(!allowed("None:%(target.role.domain_id)s", &member(), &Target::new()));
    assert!(allowed("field:networks:shared=True", &member(), &Target::new().with_bool("shared", true)));
}

#[test]
fn the_own_target_is_the_callers() {
    assert!(allowed("project_id:%(target.project.id)s and user_id:%(user_id)s", &member(), &Target::own()));
    assert!(!allowed("project_id:%(target.name)s", &member(), &Target::own()));
}

#[test]
fn what_cannot_be_used_stops_the_start() {
    let compile =
        |check: &'static str| Policy::compile(&[&[Rule::new("x", check, "")]], Scopes::ANY, &Overrides::none());
    for check in ["role:a and", "(role:a", "role:a)", "role", "and", "role:a role:b", "http://policy/", "not"] {
        assert!(matches!(compile(check), Err(PolicyError::Syntax { .. })), "{check}");
    }
    assert!(matches!(compile("rule:nope"), Err(PolicyError::UnknownReference { .. })));
    assert!(matches!(compile("not rule:x"), Err(PolicyError::Circular { .. })));
}

fn with_file(file: &str) -> Result<Policy, PolicyError> {
    let rules = [Rule::new("x", "@", ""), Rule::new("y", "rule:x", "")];
    Policy::compile(&[&rules], Scopes::ANY, &Overrides::parse(file)?)
}

#[test]
fn a_file_overrides_single_rules() {
    let file = "---\n# comment\n\n\"x\": \"role:admin\" # why\n'own:helper': role:member\ny: not rule:own:helper\n";
    assert_eq!(Overrides::parse(file).unwrap().names().collect::<Vec<_>>(), ["own:helper", "x", "y"]);
    let policy = with_file(file).unwrap();
    assert!(!policy.allows("x", &member(), &Target::own()));
    assert!(!policy.allows("y", &member(), &Target::own()));
    assert!(policy.has("own:helper"), "a rule of the operator's own is there where it is referred to");
    assert!(!with_file("own: role:member\nx: '@'").unwrap().has("own"));
    for nothing in ["", "# all defaults\n", "---\n", "{}"] {
        assert!(with_file(nothing).unwrap().allows("x", &member(), &Target::own()), "{nothing}");
    }
}

#[test]
fn a_file_may_be_json_or_use_the_older_lists() {
    for (file, expected) in [
        (r#"{"x": "role:member"}"#, true),
        (r#"{"x": [["role:admin"], ["role:member", "project_id:%(project_id)s"]]}"#, true),
        (r#"{"x": [["role:admin", "role:member"]]}"#, false),
        (r#"{"x": ["role:admin", "role:member"]}"#, true),
        (r#"{"x": []}"#, true),
        (r#"{"x": [[]]}"#, false),
        ("x: ''", true),
        ("x:\n- [role:admin]\n- [role:reader, 'user_id:u1']\n", true),
    ] {
        assert_eq!(with_file(file).unwrap().allows("x", &member(), &Target::own()), expected, "{file}");
    }
}

#[test]
fn mistakes_in_a_file_have_their_line() {
    for (file, expected) in [
        ("# c\nx: 'role:'\n", "line 2: the check of the policy rule \"x\" is not understood: \"role:\" is not a check"),
        (
            "x: http://opa:8181/check\n",
            "line 1: the check of the policy rule \"x\" is not understood: \"http://opa:8181/check\" would ask a web service",
        ),
        ("\ny: rule:nope\n", "line 2: the policy rule \"y\" refers to \"nope\""),
        ("\n\nx: rule:y\n", "line 3: the policy rule \"x\" depends on itself"),
        ("x: '@'\nx: '!'\n", "line 2: "),
        ("x: True\n", "line 1: "),
        ("x:\n", "line 1: "),
        ("y: '!'\nx: !\n", "line 2: "),
        ("x: {a: b}\n", "line 1: "),
        ("x: 'project_id:%(project_id)'\n", "line 1: "),
        ("x: 'field:port:device_owner=~('\n", "line 1: "),
        ("just words\n", "line 1: "),
        ("x: [[['role:a']]]\n", "line 1: "),
    ] {
        let error = with_file(file).expect_err(file).to_string();
        assert!(error.starts_with(expected), "{file}: {error}");
    }
}

#[test]
fn what_the_services_ask_for_in_their_own_ways() {
    let port = Target::new().with("device_owner", "network:dhcp");
    assert!(allowed("field:port:device_owner=~^network:", &member(), &port));
    assert!(allowed("field:port:device_owner=~network:", &member(), &port));
    assert!(!allowed("field:port:device_owner=~dhcp", &member(), &port));
    assert!(!allowed("field:port:device_owner=~^network:", &member(), &Target::new()));
    let asked = Target::new().with("target.role.name", "Member");
    assert!(allowed("role:%(target.role.name)s", &member(), &asked));
    assert!(allowed("roles:member and token.roles.name:reader", &member(), &Target::new()));
    assert!(allowed("domain_id:None", &member(), &Target::new()), "a token for a project is for no domain");
    assert!(!allowed("not domain_id:None", &member(), &Target::new()));
    assert!(!allowed("token.domain.id:None", &member(), &Target::new()));
    let nobodys = Target::new().with_option("domain_id", None::<&str>);
    assert!(!allowed("domain_id:%(domain_id)s", &member(), &nobodys), "null is not null's");
    assert!(allowed("user_id:%(prefix)s1 and 'a%b':a%%b", &member(), &Target::new().with("prefix", "u")));
}

#[test]
fn a_rule_is_for_some_kinds_of_tokens() {
    let rules = [Rule::new("x", "@", ""), Rule::new("y", "@", "").scopes(Scopes::SYSTEM_OR_PROJECT)];
    let policy = Policy::compile(&[&rules], Scopes::PROJECT, &Overrides::none()).unwrap();
    let scoped = |scope: kit::Scope| {
        let mut identity = identity("p", "u", &["admin"]);
        identity.scope = scope;
        RequestContext::anonymous().with_user(Arc::new(identity), Secret::new("t"))
    };
    let domain = kit::Scope::Domain(kit::DomainRef { id: "d".into(), name: "D".to_owned() });
    for (context, x, y) in [
        (member(), true, true),
        (scoped(kit::Scope::Unscoped), true, true),
        (scoped(kit::Scope::System), false, true),
        (scoped(domain), false, false),
    ] {
        assert_eq!(policy.allows("x", &context, &Target::own()), x);
        assert_eq!(policy.allows("y", &context, &Target::own()), y);
        assert_eq!(policy.explain("x", &context, &Target::own()).unwrap().allowed, x);
    }
}

#[test]
fn an_explanation_says_which_part_failed() {
    let rules = [Rule::new("x", "rule:context_is_admin or (role:member and project_id:%(project_id)s)", "")];
    let policy = Policy::compile(&[&rules], Scopes::ANY, &Overrides::none()).unwrap();
    let explained = policy.explain("x", &member(), &Target::project("p2")).unwrap();
    assert!(!explained.allowed && explained.scope_fits);
    insta::assert_snapshot!(serde_json::to_string_pretty(&explained).unwrap());
    assert!(policy.explain("nope", &member(), &Target::own()).is_none());
}

#[test]
fn policies_are_replaced_together_or_not_at_all() {
    static ONE: &[Rule] = &[Rule::new("one", "@", "")];
    static TWO: &[Rule] = &[Rule::new("two", "@", "")];
    let policies = Policies::default();
    policies.add("one", vec![ONE], Scopes::ANY, &Overrides::none()).unwrap();
    policies.add("two", vec![TWO], Scopes::ANY, &Overrides::none()).unwrap();
    let allows = |index: usize, rule: &str| policies.of(index).allows(rule, &member(), &Target::own());
    for broken in ["one: '!'\ntwo: rule:nope", "one: '!'\nthree: '@'", "one: '!'\ntwo: rule:two"] {
        let overrides = Overrides::parse(broken).unwrap();
        policies.replace(&overrides).unwrap_err();
        assert!(allows(0, "one") && allows(1, "two"), "{broken}");
    }
    let kept = policies.of(0);
    policies.replace(&Overrides::parse("one: '!'\ntwo: rule:helper\nhelper: '!'").unwrap()).unwrap();
    assert!(!allows(0, "one") && !allows(1, "two"));
    assert!(kept.allows("one", &member(), &Target::own()), "a request keeps the policy that it began with");
    policies.replace(&Overrides::none()).unwrap();
    assert!(allows(0, "one") && allows(1, "two"));
}

proptest! {
    #[test]
    fn no_file_breaks_the_reader(text in "[a-z:'\"!@\\[\\]{}%()#\\-\n ]{0,60}") {
        let _ = Overrides::parse(&text);
    }
}

#[test]
fn an_identity_for_tests_is_valid() {
    assert!(identity("p", "u", &[]).expires_at > Timestamp::UNIX_EPOCH);
}

/// An expression as text, and what it means for the member.
fn expressions() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop_oneof![
        Just(("@".to_owned(), true)),
        Just(("!".to_owned(), false)),
        Just(("role:member".to_owned(), true)),
        Just(("role:admin".to_owned(), false)),
        Just(("project_id:%(project_id)s".to_owned(), true)),
        Just(("user_id:%(project_id)s".to_owned(), false)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(text, truth)| (format!("not ({text})"), !truth)),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| joined(&parts, " and ", |mut all| all.all(|x| x))),
            prop::collection::vec(inner, 2..4).prop_map(|parts| joined(&parts, " or ", |mut all| all.any(|x| x))),
        ]
    })
}

fn joined(parts: &[(String, bool)], word: &str, meaning: fn(std::vec::IntoIter<bool>) -> bool) -> (String, bool) {
    let text = parts.iter().map(|(text, _)| format!("({text})")).collect::<Vec<_>>().join(word);
    (text, meaning(parts.iter().map(|(_, truth)| *truth).collect::<Vec<_>>().into_iter()))
}

proptest! {
    #[test]
    fn expressions_evaluate_as_boolean_algebra((text, truth) in expressions()) {
        let overrides = Overrides::parse(&format!("x: \"{text}\"")).unwrap();
        let policy = Policy::compile(&[&[Rule::new("x", "!", "")]], Scopes::ANY, &overrides).unwrap();
        prop_assert_eq!(policy.allows("x", &member(), &Target::own()), truth);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[ ()%:@!a-z'.]{0,40}") {
        let _ = parse::parse(&text);
    }
}
