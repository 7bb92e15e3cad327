//! Keys: made, brought, listed, deleted.

use serde_json::{Value, json};

use super::fixture::{Fixture, message};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPvtdLp/oajtoAcHVVJxCLMlvJ6Ea/7DeDV4JyhDJd41 me@here";

fn body(name: &str) -> Value {
    json!({ "keypair": { "name": name, "public_key": KEY } })
}

#[tokio::test]
async fn a_key_is_made_or_brought() {
    let cloud = Fixture::new().await;
    let made = cloud.member("POST", "/os-keypairs", json!({ "keypair": { "name": "k" } })).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let key = made.json()["keypair"].clone();
    assert!(key["private_key"].as_str().unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!((&key["user_id"], key.get("type")), (&json!("member-user"), None));
    let brought = cloud.send("member", 2, "POST", "/os-keypairs", body("l")).await;
    assert_eq!(brought.status, 201);
    assert_eq!(brought.json()["keypair"]["type"], "ssh");
    assert!(brought.json()["keypair"].get("private_key").is_none());
    let again = cloud.member("POST", "/os-keypairs", body("l")).await;
    assert_eq!(message(&again), (409, "Key pair 'l' already exists.".into()));
    let junk = json!({ "keypair": { "name": "j", "public_key": "ssh-rsa JUNK nova@box" } });
    let junk = cloud.member("POST", "/os-keypairs", junk).await;
    assert_eq!(message(&junk), (400, "Keypair data is invalid: failed to generate fingerprint".into()));
    let unmade = cloud.send("member", 92, "POST", "/os-keypairs", json!({ "keypair": { "name": "m" } })).await;
    assert!(message(&unmade).1.ends_with("'public_key' is a required property"));
    assert_eq!(cloud.member("POST", "/os-keypairs", json!({ "keypair": { "name": "a/b" } })).await.status, 400);
}

#[tokio::test]
async fn keys_are_listed_by_name_and_deleted() {
    let cloud = Fixture::new().await;
    for name in ["b", "a", "c"] {
        assert_eq!(cloud.member("POST", "/os-keypairs", body(name)).await.status, 200);
    }
    cloud.send("other", 1, "POST", "/os-keypairs", body("b")).await;
    let page = cloud.get("member", 35, "/os-keypairs?limit=1&marker=a").await;
    assert_eq!(page["keypairs"][0]["keypair"]["name"], "b");
    assert!(page["keypairs_links"].is_array());
    let shown = cloud.get("member", 2, "/os-keypairs/a").await["keypair"].clone();
    let keys: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
    let expected = [
        "created_at",
        "deleted",
        "deleted_at",
        "fingerprint",
        "id",
        "name",
        "public_key",
        "type",
        "updated_at",
        "user_id",
    ];
    assert_eq!(keys, expected);
    assert_eq!(cloud.member("DELETE", "/os-keypairs/a", Value::Null).await.status, 202);
    assert_eq!(cloud.send("member", 2, "DELETE", "/os-keypairs/b", Value::Null).await.status, 204);
    let gone = cloud.member("GET", "/os-keypairs/a", Value::Null).await;
    assert_eq!(message(&gone), (404, "Keypair a not found for user member-user".into()));
    assert_eq!(cloud.get("other", 1, "/os-keypairs").await["keypairs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn administrators_see_other_users_keys() {
    let cloud = Fixture::new().await;
    cloud.member("POST", "/os-keypairs", body("a")).await;
    let path = "/os-keypairs?user_id=member-user";
    assert_eq!(cloud.get("admin", 10, path).await["keypairs"].as_array().unwrap().len(), 1);
    let refused = cloud.send("other", 10, "GET", path, Value::Null).await;
    assert_eq!(
        message(&refused),
        (403, "Policy doesn't allow os_compute_api:os-keypairs:index to be performed.".into())
    );
}

#[tokio::test]
async fn the_quota_holds() {
    let cloud = Fixture::new().await;
    let quota = json!({ "quota_set": { "key_pairs": 0 } });
    assert_eq!(cloud.send("admin", 1, "PUT", "/os-quota-sets/project", quota).await.status, 200);
    let over = cloud.member("POST", "/os-keypairs", body("k")).await;
    assert_eq!(message(&over), (403, "Quota exceeded, too many key pairs.".into()));
}
