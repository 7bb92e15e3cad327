//! Identity providers, protocols, mappings and service providers.

use serde_json::{Value, json};

use super::{Cloud, message};

const BASE: &str = "http://cloud.test/identity/v3/OS-FEDERATION";

pub(super) fn rules() -> Value {
    json!([{"remote": [{"type": "OIDC-sub"}], "local": [{"user": {"name": "{0}"}}]}])
}

#[tokio::test]
async fn an_identity_provider_has_a_domain_of_its_own() {
    let cloud = Cloud::start().await;
    let path = "/OS-FEDERATION/identity_providers/acme";
    let body = json!({"identity_provider": {"remote_ids": ["b", "a"], "description": "ACME"}});
    let made = cloud.admin(201, "PUT", path, body.clone()).await;
    let domain = made["identity_provider"]["domain_id"].as_str().unwrap().to_owned();
    let mut expected = json!({
        "id": "acme", "domain_id": domain, "enabled": false, "description": "ACME", "remote_ids": ["a", "b"],
        "authorization_ttl": null,
        "links": {"self": format!("{BASE}/identity_providers/acme"), "protocols": format!("{BASE}/identity_providers/acme/protocols")},
    });
    assert_eq!(made["identity_provider"], expected);
    let own = cloud.admin(200, "GET", &format!("/domains/{domain}"), Value::Null).await;
    assert_eq!(own["domain"]["description"], "Auto generated federated domain for Identity Provider: acme");
    let again = cloud.call(&cloud.admin, "PUT", path, json!({"identity_provider": {}})).await;
    assert_eq!(
        (again.status, message(&again).as_str()),
        (409, "Conflict occurred attempting to store identity_provider - Duplicate entry: acme.")
    );
    let taken = cloud.call(&cloud.admin, "PUT", "/OS-FEDERATION/identity_providers/other", body).await;
    assert_eq!(
        (taken.status, message(&taken).as_str()),
        (409, "Conflict occurred attempting to store identity_provider - Duplicate remote ID: a.")
    );
    let left = cloud.admin(200, "GET", "/domains", Value::Null).await;
    assert_eq!(left["domains"].as_array().unwrap().len(), 2, "what was refused left no domain");
    let change = json!({"identity_provider": {"enabled": true, "authorization_ttl": 5, "remote_ids": ["c"]}});
    let changed = cloud.admin(200, "PATCH", path, change).await;
    (expected["enabled"], expected["authorization_ttl"], expected["remote_ids"]) =
        (json!(true), json!(5), json!(["c"]));
    assert_eq!(changed["identity_provider"], expected);
    assert_eq!(cloud.admin(200, "GET", path, Value::Null).await["identity_provider"], expected);
    for (query, count) in [("", 1), ("?enabled=true", 1), ("?enabled=false", 0), ("?id=acme", 1), ("?id=x", 0)] {
        let list = cloud.admin(200, "GET", &format!("/OS-FEDERATION/identity_providers{query}"), Value::Null).await;
        assert_eq!(list["identity_providers"].as_array().unwrap().len(), count, "{query}");
    }
    cloud.admin(400, "PATCH", path, json!({"identity_provider": {"domain_id": "default"}})).await;
    cloud.admin(400, "PUT", path, json!({"identity_provider": {"unknown": 1}})).await;
    cloud.admin(204, "DELETE", path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", path, Value::Null).await;
    assert_eq!((gone.status, message(&gone).as_str()), (404, "Could not find Identity Provider: acme."));
    cloud.admin(404, "DELETE", path, Value::Null).await;
}

#[tokio::test]
async fn an_identity_provider_goes_with_its_domain() {
    let cloud = Cloud::start().await;
    let domain = super::id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let body = json!({"identity_provider": {"domain_id": domain}});
    cloud.admin(201, "PUT", "/OS-FEDERATION/identity_providers/acme", body).await;
    let missing = json!({"identity_provider": {"domain_id": "nope"}});
    cloud.admin(404, "PUT", "/OS-FEDERATION/identity_providers/other", missing).await;
    cloud.admin(200, "PATCH", &format!("/domains/{domain}"), json!({"domain": {"enabled": false}})).await;
    cloud.admin(204, "DELETE", &format!("/domains/{domain}"), Value::Null).await;
    cloud.admin(404, "GET", "/OS-FEDERATION/identity_providers/acme", Value::Null).await;
}

#[tokio::test]
async fn a_protocol_names_a_mapping_that_is_there() {
    let cloud = Cloud::start().await;
    let provider = "/OS-FEDERATION/identity_providers/acme";
    let path = format!("{provider}/protocols/openid");
    let body = json!({"protocol": {"mapping_id": "map"}});
    let refused = cloud.call(&cloud.admin, "PUT", &path, body.clone()).await;
    assert_eq!((refused.status, message(&refused).as_str()), (400, "Invalid mapping id: map"));
    cloud.admin(201, "PUT", "/OS-FEDERATION/mappings/map", json!({"mapping": {"rules": rules()}})).await;
    cloud.admin(404, "PUT", &path, body.clone()).await;
    cloud.admin(201, "PUT", provider, json!({"identity_provider": {}})).await;
    let made = cloud.admin(201, "PUT", &path, body.clone()).await;
    let links = json!({
        "self": format!("{BASE}/identity_providers/acme/protocols/openid"),
        "identity_provider": format!("{BASE}/identity_providers/acme"),
    });
    assert_eq!(made, json!({"protocol": {"id": "openid", "mapping_id": "map", "links": links}}));
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await, made);
    cloud.admin(409, "PUT", &path, body).await;
    let change = json!({"protocol": {"mapping_id": "map", "remote_id_attribute": "HTTP_OIDC_ISS"}});
    assert_eq!(cloud.admin(200, "PATCH", &path, change).await, made);
    let list = cloud.admin(200, "GET", &format!("{provider}/protocols"), Value::Null).await;
    let listed = json!({
        "id": "openid", "idp_id": "acme", "mapping_id": "map", "remote_id_attribute": "HTTP_OIDC_ISS", "links": links,
    });
    assert_eq!(list["protocols"], json!([listed]));
    cloud.admin(400, "PATCH", &path, json!({"protocol": {"mapping_id": "other"}})).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    let text = "Could not find federated protocol openid for Identity Provider: acme.";
    assert_eq!((gone.status, message(&gone).as_str()), (404, text));
}

#[tokio::test]
async fn a_mapping_is_kept_as_it_was_given() {
    let cloud = Cloud::start().await;
    let path = "/OS-FEDERATION/mappings/map";
    let made = cloud.admin(201, "PUT", path, json!({"mapping": {"rules": rules()}})).await;
    let mut expected = json!({
        "id": "map", "rules": rules(), "schema_version": "1.0", "links": {"self": format!("{BASE}/mappings/map")},
    });
    assert_eq!(made["mapping"], expected);
    cloud.admin(409, "PUT", path, json!({"mapping": {"rules": rules()}})).await;
    expected["schema_version"] = json!("2.0");
    let change = json!({"mapping": {"rules": rules(), "schema_version": "2.0"}});
    assert_eq!(cloud.admin(200, "PATCH", path, change.clone()).await["mapping"], expected);
    assert_eq!(cloud.admin(200, "GET", "/OS-FEDERATION/mappings", Value::Null).await["mappings"], json!([expected]));
    cloud.admin(404, "PATCH", "/OS-FEDERATION/mappings/nope", change).await;
    for wrong in [json!({}), json!({"mapping": {}}), json!({"mapping": {"rules": []}}), json!({"mapping": []})] {
        cloud.admin(400, "PUT", "/OS-FEDERATION/mappings/wrong", wrong).await;
    }
    cloud.admin(400, "PUT", &format!("/OS-FEDERATION/mappings/{}", "m".repeat(65)), made).await;
    cloud.admin(204, "DELETE", path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", path, Value::Null).await;
    assert_eq!((gone.status, message(&gone).as_str()), (404, "Could not find mapping: map."));
}

#[tokio::test]
async fn enabled_service_providers_are_named_in_tokens() {
    let cloud = Cloud::start().await;
    let path = "/OS-FEDERATION/service_providers/other";
    let body = json!({"service_provider": {"auth_url": "https://other/v3", "sp_url": "https://other/sp"}});
    let made = cloud.admin(201, "PUT", path, body.clone()).await;
    let mut expected = json!({
        "id": "other", "auth_url": "https://other/v3", "sp_url": "https://other/sp", "enabled": false, "description": null,
        "relay_state_prefix": "ss:mem:", "links": {"self": format!("{BASE}/service_providers/other")},
    });
    assert_eq!(made["service_provider"], expected);
    cloud.admin(409, "PUT", path, body).await;
    assert!(cloud.login("admin", None).await.json()["token"].get("service_providers").is_none());
    let change = json!({"service_provider": {"enabled": true, "description": "x"}});
    (expected["enabled"], expected["description"]) = (json!(true), json!("x"));
    assert_eq!(cloud.admin(200, "PATCH", path, change).await["service_provider"], expected);
    let list = cloud.admin(200, "GET", "/OS-FEDERATION/service_providers?enabled=true", Value::Null).await;
    assert_eq!(list["service_providers"], json!([expected]));
    let token = cloud.login("admin", None).await.json()["token"].clone();
    let offered = json!([{"id": "other", "auth_url": "https://other/v3", "sp_url": "https://other/sp"}]);
    assert_eq!(token["service_providers"], offered);
    cloud.admin(400, "PATCH", path, json!({"service_provider": {"sp_url": "no url"}})).await;
    cloud.admin(204, "DELETE", path, Value::Null).await;
    cloud.admin(404, "GET", path, Value::Null).await;
}

#[tokio::test]
async fn the_old_names_of_the_lists_still_answer() {
    let cloud = Cloud::start().await;
    for what in ["projects", "domains"] {
        let old = cloud.admin(200, "GET", &format!("/OS-FEDERATION/{what}"), Value::Null).await;
        let new = cloud.admin(200, "GET", &format!("/auth/{what}"), Value::Null).await;
        assert_eq!(old[what], new[what]);
    }
}
