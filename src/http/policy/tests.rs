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
    Policy::compile(&[&rules], &Overrides::none()).unwrap().allows("x", context, target)
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
    let compile = |check: &'static str| Policy::compile(&[&[Rule::new("x", check, "")]], &Overrides::none());
    for check in ["role:a and", "(role:a", "role:a)", "role", "and", "role:a role:b", "http://policy/", "not"] {
        assert!(matches!(compile(check), Err(PolicyError::Syntax { .. })), "{check}");
    }
    assert!(matches!(compile("rule:nope"), Err(PolicyError::UnknownReference { .. })));
    assert!(matches!(compile("not rule:x"), Err(PolicyError::Circular { .. })));
}

#[test]
fn a_file_overrides_single_rules() {
    let file = "# comment\n\n\"x\" = \"role:admin\" # why\n'y' = '@'\n";
    let overrides = Overrides::parse(file).unwrap();
    assert_eq!(overrides.names().collect::<Vec<_>>(), ["x", "y"]);
    let policy = Policy::compile(&[&[Rule::new("x", "@", "")]], &overrides).unwrap();
    assert!(!policy.allows("x", &member(), &Target::own()));
    assert!(matches!(Overrides::parse("x: role:admin"), Err(PolicyError::File { line: 1 })));
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
        let overrides = Overrides::parse(&format!("\"x\" = \"{text}\"")).unwrap();
        let policy = Policy::compile(&[&[Rule::new("x", "!", "")]], &overrides).unwrap();
        prop_assert_eq!(policy.allows("x", &member(), &Target::own()), truth);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[ ()%:@!a-z'.]{0,40}") {
        let _ = parse::parse(&text);
    }
}
