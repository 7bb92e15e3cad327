//! What a domain sets for itself.

use serde_json::{Value, json};

use super::{Cloud, id, message};

#[tokio::test]
async fn a_domain_is_configured_whole_by_group_and_by_option() {
    let cloud = Cloud::start().await;
    let domain = id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let path = format!("/domains/{domain}/config");
    let none = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    let expected = format!("Could not find any options in domain configuration for domain {domain}.");
    assert_eq!((none.status, message(&none)), (404, expected));
    let config = json!({"config": {"ldap": {"url": "ldap://a", "page_size": 5}, "identity": {"driver": "ldap"}}});
    assert_eq!(cloud.admin(201, "PUT", &path, config.clone()).await, config);
    assert_eq!(cloud.admin(200, "PUT", &path, config.clone()).await, config);
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await, config);
    let (group, option) = (format!("{path}/ldap"), format!("{path}/ldap/url"));
    assert_eq!(cloud.admin(200, "GET", &group, Value::Null).await["config"]["ldap"]["page_size"], json!(5));
    assert_eq!(cloud.admin(200, "GET", &option, Value::Null).await, json!({"config": {"url": "ldap://a"}}));

    let changed = cloud.admin(200, "PATCH", &option, json!({"config": {"url": "ldap://b"}})).await;
    assert_eq!(changed["config"]["ldap"], json!({"url": "ldap://b", "page_size": 5}));
    let changed = cloud.admin(200, "PATCH", &group, json!({"config": {"ldap": {"user": "u"}}})).await;
    assert_eq!(changed["config"]["ldap"], json!({"url": "ldap://b", "page_size": 5, "user": "u"}));
    let missing =
        cloud.call(&cloud.admin, "PATCH", &format!("{path}/ldap/suffix"), json!({"config": {"suffix": "s"}})).await;
    let expected = format!("Could not find option suffix in group ldap in domain configuration for domain {domain}.");
    assert_eq!((missing.status, message(&missing)), (404, expected));
    cloud.admin(200, "PATCH", &path, json!({"config": {"ldap": {"suffix": "s"}}})).await;

    cloud.admin(204, "DELETE", &option, Value::Null).await;
    cloud.admin(404, "DELETE", &option, Value::Null).await;
    cloud.admin(204, "DELETE", &group, Value::Null).await;
    cloud.admin(404, "GET", &group, Value::Null).await;
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await, json!({"config": {"identity": {"driver": "ldap"}}}));
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    cloud.admin(404, "GET", &path, Value::Null).await;
}

#[tokio::test]
async fn a_secret_is_set_and_never_seen_again() {
    let cloud = Cloud::start().await;
    let path = "/domains/default/config";
    let config = json!({"config": {"ldap": {"url": "ldap://a", "password": "hunter2"}}});
    let shown = cloud.admin(201, "PUT", path, config).await;
    assert_eq!(shown, json!({"config": {"ldap": {"url": "ldap://a"}}}));
    cloud.admin(404, "GET", "/domains/default/config/ldap/password", Value::Null).await;
    cloud.admin(200, "PATCH", "/domains/default/config/ldap/password", json!({"config": {"password": "other"}})).await;
    let kept = "SELECT count(*) FROM identity_domain_settings WHERE option_name = 'password' AND value IS NULL";
    let kept = cloud.store.read(move |db| store::query::one(db, kept, [], |row| row.get::<_, i64>(0))).await.unwrap();
    assert_eq!(kept, 1);
    cloud.admin(204, "DELETE", "/domains/default/config/ldap/password", Value::Null).await;
    cloud.admin(404, "DELETE", "/domains/default/config/ldap/password", Value::Null).await;
}

#[tokio::test]
async fn options_are_those_that_domains_have() {
    let cloud = Cloud::start().await;
    let path = "/domains/default/config";
    for body in [
        json!({}),
        json!({"config": {}}),
        json!({"config": {"DEFAULT": {"debug": true}}}),
        json!({"config": {"ldap": {"x": 1}}}),
    ] {
        for method in ["PUT", "PATCH"] {
            let answer = cloud.call(&cloud.admin, method, path, body.clone()).await;
            assert_eq!(answer.status, 403, "{body}: {}", answer.text());
            assert!(message(&answer).starts_with("Invalid domain specific configuration: "), "{}", answer.text());
        }
    }
    cloud.admin(403, "GET", "/domains/default/config/DEFAULT", Value::Null).await;
    cloud.admin(404, "PUT", "/domains/nope/config", json!({"config": {"identity": {"driver": "x"}}})).await;
    let defaults = cloud.admin(200, "GET", "/domains/config/default", Value::Null).await;
    assert_eq!(defaults["config"]["ldap"]["query_scope"], json!("one"));
    let group = cloud.admin(200, "GET", "/domains/config/identity/default", Value::Null).await;
    assert_eq!(group, json!({"config": {"identity": {"driver": "sql", "list_limit": null}}}));
    let option = cloud.admin(200, "GET", "/domains/config/ldap/suffix/default", Value::Null).await;
    assert_eq!(option, json!({"config": {"suffix": "cn=example,cn=com"}}));
    cloud.admin(403, "GET", "/domains/config/ldap/password/default", Value::Null).await;
}

#[tokio::test]
async fn anybody_may_read_the_rule_for_passwords_and_nothing_else() {
    let cloud = Cloud::start_with(|config| config.security_compliance.password_regex = "^[a-z]+$".to_owned()).await;
    let alice = cloud.member("alice", "member").await;
    let token = cloud.token("alice", Some(alice.scope)).await;
    let path = "/domains/default/config/security_compliance";
    let shown = cloud.call(&token, "GET", path, Value::Null).await;
    let expected = json!({"security_compliance": {"password_regex": "^[a-z]+$", "password_regex_description": null}});
    assert_eq!((shown.status, &shown.json()["config"]), (200, &expected));
    for (status, path) in [
        (200, "/domains/default/config/security_compliance/password_regex"),
        (403, "/domains/default/config/security_compliance/lockout_duration"),
        (403, "/domains/other/config/security_compliance"),
        (403, "/domains/default/config"),
        (403, "/domains/default/config/ldap"),
        (403, "/domains/config/default"),
    ] {
        assert_eq!(cloud.call(&token, "GET", path, Value::Null).await.status, status, "{path}");
    }
}
