//! Credentials, EC2 keys and the tokens that their signatures get.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use super::{Cloud, id, message, names};

async fn member(cloud: &Cloud, name: &str) -> (super::Member, String) {
    let member = cloud.member(name, "member").await;
    let token = cloud.token(name, Some(member.scope.clone())).await;
    (member, token)
}

#[tokio::test]
async fn a_credential_lives_and_dies() {
    let cloud = Cloud::start().await;
    let (alice, token) = member(&cloud, "alice").await;
    let blob = r#"{"access": "181920", "secret": "secretKey"}"#;
    let body = json!({"credential": {"type": "ec2", "blob": blob, "user_id": alice.user, "project_id": alice.project}});
    let answer = cloud.call(&token, "POST", "/credentials", body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json()["credential"].clone();
    let key = "3d3367228f9c7665266604462ec60029bcd83ad89614021a80b2eb879c572510";
    let path = format!("/credentials/{key}");
    let expected = json!({
        "id": key, "type": "ec2", "blob": blob, "user_id": alice.user, "project_id": alice.project,
        "links": {"self": format!("http://cloud.test/identity/v3{path}")},
    });
    assert_eq!(made, expected);
    assert_eq!(cloud.call(&token, "GET", &path, Value::Null).await.json()["credential"], expected);
    assert_eq!(cloud.call(&token, "POST", "/credentials", body).await.status, 409);
    let listed = cloud.call(&token, "GET", "/credentials?type=ec2", Value::Null).await.json();
    assert_eq!(listed["credentials"], json!([expected]));
    assert_eq!(cloud.call(&token, "GET", "/credentials?type=totp", Value::Null).await.json()["credentials"], json!([]));
    let blob = r#"{"access": "181920", "secret": "new"}"#;
    let changed =
        cloud.call(&token, "PATCH", &path, json!({"credential": {"blob": blob, "color": "red"}})).await.json();
    assert_eq!((&changed["credential"]["blob"], &changed["credential"]["color"]), (&json!(blob), &json!("red")));
    assert_eq!(cloud.call(&token, "DELETE", &path, Value::Null).await.status, 204);
    let gone = cloud.admin(404, "GET", &path, Value::Null).await;
    assert_eq!(gone["error"]["message"], json!(format!("Could not find credential: {key}.")));
}

#[tokio::test]
async fn everybody_sees_the_own_ones_only() {
    let cloud = Cloud::start().await;
    let ((alice, token), (bob, bobs)) = (member(&cloud, "alice").await, member(&cloud, "bob").await);
    let cert = |user: &str| json!({"credential": {"type": "cert", "blob": "x", "user_id": user}});
    let made = cloud.call(&token, "POST", "/credentials", cert(&alice.user)).await.json();
    let path = format!("/credentials/{}", id(&made["credential"]));
    assert_eq!(cloud.call(&token, "POST", "/credentials", cert(&bob.user)).await.status, 403);
    for (method, body) in
        [("GET", Value::Null), ("DELETE", Value::Null), ("PATCH", json!({"credential": {"user_id": bob.user}}))]
    {
        assert_eq!(cloud.call(&bobs, method, &path, body.clone()).await.status, 403, "{method}");
    }
    let given = json!({"credential": {"user_id": bob.user}});
    assert_eq!(cloud.call(&token, "PATCH", &path, given).await.status, 403, "nor is one given away");
    assert_eq!(cloud.call(&bobs, "GET", "/credentials/nope", Value::Null).await.status, 403);
    let count = |answer: Value| answer["credentials"].as_array().unwrap().len();
    let all = format!("/credentials?user_id={}", alice.user);
    assert_eq!(count(cloud.call(&bobs, "GET", "/credentials", Value::Null).await.json()), 0);
    assert_eq!(count(cloud.call(&bobs, "GET", &all, Value::Null).await.json()), 0);
    assert_eq!(count(cloud.admin(200, "GET", &all, Value::Null).await), 1);
    for (status, body, expected) in [
        (400, json!({"type": "ec2", "blob": "{}", "user_id": alice.user}), "'project_id' is a required property"),
        (400, json!({"type": "ec2", "blob": "{", "user_id": alice.user, "project_id": "p"}), "Invalid blob"),
        (404, json!({"type": "cert", "blob": "x", "user_id": alice.user, "project_id": "p"}), "find project: p."),
        (400, json!({"type": "cert", "user_id": alice.user}), "'blob' is a required property"),
    ] {
        let answer = cloud.call(&token, "POST", "/credentials", json!({ "credential": body })).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(message(&answer).contains(expected), "{}", answer.text());
    }
    cloud.admin(204, "DELETE", &format!("/users/{}", alice.user), Value::Null).await;
    cloud.admin(404, "GET", &path, Value::Null).await;
}

#[tokio::test]
async fn the_database_alone_gives_away_no_blob_and_keys_are_rotated() {
    let cloud = Cloud::start().await;
    let (alice, token) = member(&cloud, "alice").await;
    let body = json!({"credential": {"type": "totp", "blob": "GEZDGNBVGY3TQOJQ", "user_id": alice.user}});
    let made = cloud.call(&token, "POST", "/credentials", body).await.json();
    let path = format!("/credentials/{}", id(&made["credential"]));
    let key = || cloud.store.read(crate::db::credentials::keys_in_use);
    let first = key().await.unwrap();
    cloud.clock.advance(Duration::from_secs(2_592_001));
    cloud.service.keep_house().await.unwrap();
    let second = key().await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second, "sealed anew");
    let admin = cloud.token("admin", Some(json!({"system": {"all": true}}))).await;
    let shown = cloud.call(&admin, "GET", &path, Value::Null).await.json();
    assert_eq!(shown["credential"]["blob"], json!("GEZDGNBVGY3TQOJQ"));
}

#[tokio::test]
async fn ec2_keys_have_a_form_of_their_own() {
    let cloud = Cloud::start().await;
    let ((alice, token), (_, bobs)) = (member(&cloud, "alice").await, member(&cloud, "bob").await);
    let all = format!("/users/{}/credentials/OS-EC2", alice.user);
    let answer = cloud.call(&token, "POST", &all, json!({"tenant_id": alice.project})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json()["credential"].clone();
    let one = format!("{all}/{}", made["access"].as_str().unwrap());
    let fields: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields.join(" "), "access links secret tenant_id trust_id user_id");
    assert_eq!(made["links"]["self"], json!(format!("http://cloud.test/identity/v3{one}")));
    assert_eq!(cloud.call(&token, "GET", &one, Value::Null).await.json()["credential"], made);
    assert_eq!(cloud.call(&token, "GET", &all, Value::Null).await.json()["credentials"], json!([made]));
    assert_eq!(cloud.call(&bobs, "GET", &one, Value::Null).await.status, 403);
    assert_eq!(cloud.call(&bobs, "GET", &all, Value::Null).await.status, 403);
    assert_eq!(cloud.call(&bobs, "POST", &all, json!({"tenant_id": alice.project})).await.status, 403);
    assert_eq!(cloud.call(&token, "POST", &all, json!({"tenant_id": "nope"})).await.status, 404);
    assert_eq!(cloud.call(&token, "POST", &all, json!({})).await.status, 400);
    assert_eq!(cloud.call(&token, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(cloud.call(&token, "GET", &one, Value::Null).await.status, 404);
}

/// A request signed with `secret`, version 2, as a service passes it on.
fn signed(access: &Value, secret: &Value, timestamp: &str) -> Value {
    let query = format!(
        "AWSAccessKeyId={}&Action=DescribeInstances&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={}",
        access.as_str().unwrap(),
        timestamp.replace(':', "%3A")
    );
    let to_sign = format!("GET\nec2.test\n/services/Cloud\n{query}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_str().unwrap().as_bytes());
    json!({"credentials": {
        "access": access, "host": "ec2.test", "verb": "GET", "path": "/services/Cloud", "headers": {},
        "params": {"Action": "DescribeInstances", "AWSAccessKeyId": access, "SignatureVersion": "2",
                   "Timestamp": timestamp},
        "signature": STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()))}})
}

#[tokio::test]
async fn a_signature_gets_its_users_token() {
    let cloud = Cloud::start().await;
    let (alice, token) = member(&cloud, "alice").await;
    let all = format!("/users/{}/credentials/OS-EC2", alice.user);
    let made = cloud.call(&token, "POST", &all, json!({"tenant_id": alice.project})).await.json()["credential"].clone();
    let fresh = signed(&made["access"], &made["secret"], "2026-11-22T13:20:00Z");
    let answer = cloud.call(&cloud.admin, "POST", "/ec2tokens", fresh.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = &answer.json()["token"];
    assert_eq!(body["methods"], json!(["ec2credential"]));
    assert_eq!((&body["user"]["id"], &body["project"]["id"]), (&json!(alice.user), &json!(alice.project)));
    assert_eq!(names(&body["roles"]), ["member", "reader"]);
    assert!(cloud.validate(answer.header("x-subject-token")).await.is_ok());
    assert_eq!(cloud.call(&token, "POST", "/ec2tokens", fresh.clone()).await.status, 403, "services and admins only");
    assert_eq!(cloud.call("", "POST", "/ec2tokens", fresh.clone()).await.status, 401);
    let wrong = signed(&made["access"], &json!("wrong"), "2026-11-22T13:20:00Z");
    let old = signed(&made["access"], &made["secret"], "2026-11-22T13:10:00Z");
    let unknown = signed(&json!("nope"), &made["secret"], "2026-11-22T13:20:00Z");
    for (status, body) in [(401, wrong), (401, old), (404, unknown), (400, Value::Null), (401, json!({"a": 1}))] {
        let answer = cloud.call(&cloud.admin, "POST", "/ec2tokens", body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    for path in ["/ec2tokens", "/s3tokens"] {
        assert_eq!(cloud.call(&cloud.admin, "GET", path, Value::Null).await.status, 405);
    }

    let to_sign = "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/bucket/puppy.jpg";
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, made["secret"].as_str().unwrap().as_bytes());
    let s3 = json!({"credentials": {
        "access": made["access"], "token": URL_SAFE.encode(to_sign),
        "signature": STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()))}});
    let answer = cloud.call(&cloud.admin, "POST", "/s3tokens", s3.clone()).await;
    assert_eq!((answer.status, answer.header("x-subject-token")), (200, ""), "{}", answer.text());
    assert_eq!(answer.json()["token"]["user"]["id"], json!(alice.user));
    let mut wrong = s3;
    wrong["credentials"]["signature"] = json!("x");
    assert_eq!(cloud.call(&cloud.admin, "POST", "/s3tokens", wrong).await.status, 401);
    cloud.admin(204, "DELETE", &alice.grant, Value::Null).await;
    assert_eq!(cloud.call(&cloud.admin, "POST", "/ec2tokens", fresh).await.status, 401, "no role any more");
}

#[tokio::test]
async fn a_key_made_by_what_was_handed_on_gives_no_more_than_that() {
    let cloud = Cloud::start().await;
    let (alice, token) = member(&cloud, "alice").await;
    let (bob, _) = member(&cloud, "bob").await;
    let path = format!("/users/{}/application_credentials", alice.user);
    let credential = json!({"application_credential": {
        "name": "ci", "unrestricted": true, "roles": [{"name": "reader"}], "secret": "word"}});
    let credential = cloud.call(&token, "POST", &path, credential).await.json()["application_credential"].clone();
    let login = json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": {
        "id": credential["id"], "secret": "word"}}}});
    let application = cloud.call("", "POST", "/auth/tokens", login).await.header("x-subject-token").to_owned();
    let trust = json!({"trust": {
        "trustor_user_id": alice.user, "trustee_user_id": bob.user, "project_id": alice.project,
        "impersonation": true, "roles": [{"name": "member"}]}});
    let trust = cloud.call(&token, "POST", "/OS-TRUST/trusts", trust).await.json()["trust"]["id"].clone();
    let trusted = cloud.token("bob", Some(json!({"OS-TRUST:trust": {"id": trust}}))).await;

    let own = cloud
        .call(
            &token,
            "POST",
            "/credentials",
            json!({"credential": {
        "type": "totp", "blob": "GEZDGNBV", "user_id": alice.user}}),
        )
        .await
        .json();
    let own = format!("/credentials/{}", id(&own["credential"]));
    for (number, (token, field)) in
        [(&application, "application_credential"), (&trusted, "OS-TRUST:trust")].iter().enumerate()
    {
        assert_eq!(cloud.call(token, "GET", &own, Value::Null).await.status, 403, "a seed is the user's alone");
        let listed = cloud.call(token, "GET", "/credentials", Value::Null).await.json();
        assert!(listed["credentials"].as_array().unwrap().iter().all(|it| it["type"] == "ec2"));
        let blob = json!({"access": format!("key{number}"), "secret": "s"}).to_string();
        let body = |project: &str| {
            json!({"credential": {
            "type": "ec2", "blob": blob, "user_id": alice.user, "project_id": project}})
        };
        assert_eq!(cloud.call(token, "POST", "/credentials", body(&bob.project)).await.status, 403);
        let made = cloud.call(token, "POST", "/credentials", body(&alice.project)).await;
        // Who has the role reader only may still keep credentials of the own.
        assert_eq!(made.status, 201, "{}", made.text());
        let signed = signed(&json!(format!("key{number}")), &json!("s"), "2026-11-22T13:25:00Z");
        let answer = cloud.call(&cloud.admin, "POST", "/ec2tokens", signed.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = &answer.json()["token"];
        assert!(body.get(*field).is_some(), "{}", answer.text());
        assert_eq!(body["user"]["id"], json!(alice.user));
        let expected: &[&str] = if number == 0 { &["reader"] } else { &["member", "reader"] };
        assert_eq!(names(&body["roles"]), expected);
    }
    cloud.call(&token, "DELETE", &format!("{path}/{}", credential["id"].as_str().unwrap()), Value::Null).await;
    let signed = signed(&json!("key0"), &json!("s"), "2026-11-22T13:25:00Z");
    assert_eq!(cloud.call(&cloud.admin, "POST", "/ec2tokens", signed).await.status, 404);
}

/// What was logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_the_database_or_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let cloud = Cloud::start().await;
    let (alice, token) = member(&cloud, "alice-whose-password-is-long").await;
    let path = format!("/users/{}/application_credentials", alice.user);
    let mut secrets = vec!["alice-chose-this-secret".to_owned(), "GEZDGNBVGY3TQOJQNNXXA".to_owned(), token.clone()];
    for body in [json!({"name": "a", "secret": secrets[0]}), json!({"name": "b"})] {
        let made = cloud.call(&token, "POST", &path, json!({"application_credential": body})).await.json();
        secrets.push(made["application_credential"]["secret"].as_str().unwrap().to_owned());
    }
    let all = format!("/users/{}/credentials/OS-EC2", alice.user);
    let made = cloud.call(&token, "POST", &all, json!({"tenant_id": alice.project})).await.json();
    for part in ["access", "secret"] {
        secrets.push(made["credential"][part].as_str().unwrap().to_owned());
    }
    let totp = json!({"credential": {"type": "totp", "blob": secrets[1], "user_id": alice.user}});
    assert_eq!(cloud.call(&token, "POST", "/credentials", totp).await.status, 201);
    secrets.push(cloud.password.expose().to_owned());
    // Failures are told of at more length.
    for login in [
        json!({"methods": ["password"], "password": {"user": {"id": alice.user, "password": "a-wrong-password"}}}),
        json!({"methods": ["totp"], "totp": {"user": {"id": alice.user, "passcode": "918273645"}}}),
        json!({"methods": ["token"], "token": {"id": "a-token-of-nobody"}}),
        json!({"methods": ["application_credential"],
               "application_credential": {"id": "nope", "secret": "a-wrong-secret"}}),
    ] {
        let answer = cloud.call("", "POST", "/auth/tokens", json!({"auth": {"identity": login}})).await;
        assert!([401, 404].contains(&answer.status), "{}", answer.text());
    }
    for wrong in ["a-wrong-password", "918273645", "a-token-of-nobody", "a-wrong-secret"] {
        secrets.push(wrong.to_owned());
    }
    let mut files = 0;
    for file in std::fs::read_dir(cloud.store.directory()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        files += 1;
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
    assert!(files > 0, "the database was looked at");
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("/identity/v3/auth/tokens"), "requests were logged");
    for secret in &secrets {
        assert!(!logged.contains(secret), "a secret was logged");
    }
}
