//! TOTP, multi-factor rules and auth receipts.

use http_kit::testing::{Answer, call};
use serde_json::{Value, json};

use super::{Cloud, Member};
use crate::domain::totp::shown;

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Alice, who has an authenticator.
struct Scene {
    cloud: Cloud,
    alice: Member,
}

impl Scene {
    async fn new() -> Self {
        let cloud = Cloud::start().await;
        let alice = cloud.member("alice", "member").await;
        let token = cloud.token("alice", Some(alice.scope.clone())).await;
        let body = json!({"credential": {"type": "totp", "blob": SEED, "user_id": alice.user}});
        assert_eq!(cloud.call(&token, "POST", "/credentials", body).await.status, 201);
        Self { cloud, alice }
    }

    fn passcode(&self) -> String {
        shown(SEED, kit::Clock::now(&*self.cloud.clock))
    }

    async fn options(&self, options: Value) {
        let body = json!({"user": {"options": options}});
        self.cloud.admin(200, "PATCH", &format!("/users/{}", self.alice.user), body).await;
    }

    async fn login(&self, password: Option<&str>, passcode: Option<&str>, receipt: Option<&str>) -> Answer {
        let user = json!({"name": "alice", "domain": {"id": "default"}});
        let mut identity = json!({"methods": []});
        for (method, field, value) in [("password", "password", password), ("totp", "passcode", passcode)] {
            if let Some(value) = value {
                identity["methods"].as_array_mut().unwrap().push(json!(method));
                identity[method] = json!({ "user": user });
                identity[method]["user"][field] = json!(value);
            }
        }
        let body = json!({"auth": {"identity": identity, "scope": self.alice.scope}});
        let headers: Vec<(&str, &str)> = receipt.map(|text| ("Openstack-Auth-Receipt", text)).into_iter().collect();
        call(&self.cloud.app, "", "POST", "/identity/v3/auth/tokens", &headers, &body).await.unwrap()
    }
}

#[tokio::test]
async fn a_passcode_logs_in_once() {
    let scene = Scene::new().await;
    let passcode = scene.passcode();
    let answer = scene.login(None, Some(&passcode), None).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["token"]["methods"], json!(["totp"]));
    assert_eq!(scene.login(None, Some(&passcode), None).await.status, 401, "it is used");
    scene.cloud.advance(30);
    let next = scene.passcode();
    let (one, two) = tokio::join!(scene.login(None, Some(&next), None), scene.login(None, Some(&next), None));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401], "of two at once one");
    scene.cloud.advance(30);
    let previous = scene.passcode();
    scene.cloud.advance(30);
    assert_eq!(scene.login(None, Some(&previous), None).await.status, 201, "the window before is good");
    assert_eq!(scene.login(None, Some("000000"), None).await.status, 401);
    let both = scene.login(Some("alice"), Some(&scene.passcode()), None).await;
    assert_eq!(both.json()["token"]["methods"], json!(["totp", "password"]));
    scene.cloud.advance(60);
    let wrong = scene.login(Some("wrong"), Some(&scene.passcode()), None).await;
    assert_eq!(wrong.status, 401);
}

#[tokio::test]
async fn what_the_rules_miss_can_be_given_later() {
    let scene = Scene::new().await;
    scene.options(json!({"multi_factor_auth_enabled": true, "multi_factor_auth_rules": [["password", "totp"]]})).await;
    let answer = scene.login(Some("alice"), None, None).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["required_auth_methods"], json!([["password", "totp"]]));
    assert_eq!(
        body["receipt"],
        json!({"methods": ["password"], "issued_at": "2026-11-22T13:30:34.000000Z",
               "expires_at": "2026-11-22T13:35:34.000000Z",
               "user": {"id": scene.alice.user, "name": "alice", "domain": {"id": "default", "name": "Default"}}})
    );
    let receipt = answer.header("openstack-auth-receipt").to_owned();
    assert!(!receipt.is_empty());
    assert!(scene.cloud.validate(&receipt).await.is_err(), "a receipt is no token");
    let again = scene.login(Some("alice"), None, Some(&receipt)).await;
    assert_eq!(again.status, 401, "the same proof twice is one");
    let done = scene.login(None, Some(&scene.passcode()), Some(&receipt)).await;
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(done.json()["token"]["methods"], json!(["totp", "password"]));
    scene.cloud.advance(30);
    let exchange = json!({"auth": {"identity": {"methods": ["token"], "token": {
        "id": done.header("x-subject-token")}}}});
    assert_eq!(scene.cloud.call("", "POST", "/auth/tokens", exchange).await.status, 201, "it was proven once");
    let both = scene.login(Some("alice"), Some(&scene.passcode()), None).await;
    assert_eq!(both.status, 201, "{}", both.text());
}

#[tokio::test]
async fn a_receipt_is_its_users_for_its_time() {
    let scene = Scene::new().await;
    scene.options(json!({"multi_factor_auth_rules": [["password", "totp"]]})).await;
    let receipt = scene.login(Some("alice"), None, None).await.header("openstack-auth-receipt").to_owned();
    let token = scene.cloud.token("admin", None).await;
    for wrong in ["nope", token.as_str()] {
        let answer = scene.login(None, Some(&scene.passcode()), Some(wrong)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(super::message(&answer), "Could not find auth receipt.");
        scene.cloud.advance(30);
    }
    let user = json!({"name": "admin", "domain": {"id": "default"}, "password": scene.cloud.password.expose()});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    let headers = [("Openstack-Auth-Receipt", receipt.as_str())];
    let path = "/identity/v3/auth/tokens";
    let other = call(&scene.cloud.app, "", "POST", path, &headers, &body).await.unwrap();
    assert_eq!(other.status, 401, "another user's");
    scene.cloud.advance(300);
    assert_eq!(scene.login(None, Some(&scene.passcode()), Some(&receipt)).await.status, 401, "too late");
    let receipt = scene.login(Some("alice"), None, None).await.header("openstack-auth-receipt").to_owned();
    let change = json!({"user": {"password": "new"}});
    scene.cloud.admin(200, "PATCH", &format!("/users/{}", scene.alice.user), change).await;
    scene.cloud.advance(30);
    assert_eq!(
        scene.login(None, Some(&scene.passcode()), Some(&receipt)).await.status,
        401,
        "the password has changed"
    );
    scene.options(json!({"multi_factor_auth_enabled": false})).await;
    assert_eq!(scene.login(Some("new"), None, None).await.status, 201, "switched off");
}

#[tokio::test]
async fn what_an_expired_token_said_is_told_to_services_for_a_while() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    let nova = cloud.member("nova", "service").await;
    let token = cloud.token("alice", Some(member.scope.clone())).await;
    let revoked = cloud.token("alice", Some(member.scope)).await;
    let path = "/identity/v3/auth/tokens?allow_expired=true";
    let headers = |token: &'static str| [("X-Subject-Token", token)];
    let (token, revoked): (&'static str, &'static str) = (token.leak(), revoked.leak());
    call(&cloud.app, revoked, "DELETE", "/identity/v3/auth/tokens", &headers(revoked), &Value::Null).await.unwrap();
    for (hours, expected) in [(2, 200), (47, 404)] {
        cloud.advance(hours * 3_600);
        let service = cloud.token("nova", Some(nova.scope.clone())).await;
        let admin = cloud.token("admin", Some(json!({"system": {"all": true}}))).await;
        for (bearer, subject, status) in [(&service, token, expected), (&admin, token, 404), (&service, revoked, 404)] {
            let answer = call(&cloud.app, bearer, "GET", path, &headers(subject), &Value::Null).await.unwrap();
            assert_eq!(answer.status, status, "{hours}: {}", answer.text());
        }
        let plain = path.trim_end_matches("?allow_expired=true");
        let answer = call(&cloud.app, &service, "GET", plain, &headers(token), &Value::Null).await.unwrap();
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn a_service_that_knows_no_access_rules_is_not_told_of_a_token_that_has_some() {
    let cloud = Cloud::start().await;
    let alice = cloud.member("alice", "member").await;
    let own = cloud.token("alice", Some(alice.scope)).await;
    let path = format!("/users/{}/application_credentials", alice.user);
    let rule = json!({"service": "compute", "method": "GET", "path": "/v2.1/servers"});
    let body = json!({"application_credential": {"name": "ci", "secret": "s", "access_rules": [rule]}});
    let made = cloud.call(&own, "POST", &path, body).await.json()["application_credential"].clone();
    let login = json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": {
        "id": made["id"], "secret": "s"}}}});
    let token = cloud.call("", "POST", "/auth/tokens", login).await.header("x-subject-token").to_owned();
    for (version, status) in [(None, 404), (Some("0.9"), 404), (Some("1.0"), 200)] {
        let mut headers = vec![("X-Subject-Token", token.as_str())];
        headers.extend(version.map(|version| ("OpenStack-Identity-Access-Rules", version)));
        let path = "/identity/v3/auth/tokens";
        let answer = call(&cloud.app, &cloud.admin, "GET", path, &headers, &Value::Null).await.unwrap();
        assert_eq!(answer.status, status, "{version:?}: {}", answer.text());
    }
}
