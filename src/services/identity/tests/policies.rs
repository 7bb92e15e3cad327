//! Policies, and the endpoints that they are for.

use serde_json::{Value, json};

use super::{Cloud, id, message};

impl Cloud {
    async fn policy(&self, blob: &str) -> String {
        let body = json!({"policy": {"blob": blob, "type": "application/json"}});
        id(&self.admin(201, "POST", "/policies", body).await["policy"])
    }
}

#[tokio::test]
async fn a_policy_lives_and_dies() {
    let cloud = Cloud::start().await;
    let body = json!({"policy": {"blob": "{}", "type": "application/json", "color": "red"}});
    let made = cloud.admin(201, "POST", "/policies", body).await["policy"].clone();
    let path = format!("/policies/{}", id(&made));
    assert_eq!(
        made,
        json!({
            "id": id(&made), "blob": "{}", "type": "application/json", "color": "red",
            "links": {"self": format!("http://cloud.test/identity/v3{path}")},
        })
    );
    cloud.admin(400, "PATCH", &path, json!({"policy": {}})).await;
    let refused = cloud.call(&cloud.admin, "PATCH", &path, json!({"policy": {"id": "other"}})).await;
    assert_eq!((refused.status, message(&refused).as_str()), (400, "Cannot change policy ID"));
    let changed = cloud.admin(200, "PATCH", &path, json!({"policy": {"blob": "x", "size": 1}})).await;
    assert_eq!((&changed["policy"]["blob"], &changed["policy"]["color"]), (&json!("x"), &json!("red")));
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await, changed);
    for body in [json!({"blob": "{}"}), json!({"type": "t"}), json!({"blob": {}, "type": "t"})] {
        cloud.admin(400, "POST", "/policies", json!({ "policy": body })).await;
    }
    for (query, expected) in [("", 1), ("?type=application/json", 1), ("?type__contains=xml", 0), ("?limit=1", 1)] {
        let listed = cloud.admin(200, "GET", &format!("/policies{query}"), Value::Null).await;
        assert_eq!(listed["policies"].as_array().unwrap().len(), expected, "{query}");
    }
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "DELETE", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone)), (404, format!("Could not find policy: {}.", id(&made))));
}

#[tokio::test]
async fn the_most_particular_policy_is_an_endpoints() {
    let cloud = Cloud::start().await;
    cloud.admin(201, "PUT", "/regions/City", json!({"region": {"parent_region_id": "RegionOne"}})).await;
    let service = json!({"service": {"type": "t"}});
    let service = id(&cloud.admin(201, "POST", "/services", service).await["service"]);
    let body =
        json!({"endpoint": {"service_id": service, "interface": "public", "url": "http://a", "region_id": "City"}});
    let endpoint = id(&cloud.admin(201, "POST", "/endpoints", body).await["endpoint"]);
    let holding = format!("/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy");
    let none = cloud.call(&cloud.admin, "GET", &holding, Value::Null).await;
    let expected = format!("No policy is associated with endpoint {endpoint}.");
    assert_eq!((none.status, message(&none)), (404, expected));
    let mut places = Vec::new();
    for place in [
        format!("services/{service}"),
        format!("services/{service}/regions/RegionOne"),
        format!("services/{service}/regions/City"),
        format!("endpoints/{endpoint}"),
    ] {
        let policy = cloud.policy(&place).await;
        let path = format!("/policies/{policy}/OS-ENDPOINT-POLICY/{place}");
        let missing = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
        assert_eq!((missing.status, message(&missing).as_str()), (404, "Could not find policy association."));
        cloud.admin(204, "PUT", &path, Value::Null).await;
        cloud.admin(204, "HEAD", &path, Value::Null).await;
        let shown = cloud.admin(200, "GET", &holding, Value::Null).await["policy"].clone();
        assert_eq!((&shown["blob"], &shown["id"]), (&json!(place), &json!(policy)));
        assert_eq!(shown["links"]["self"], json!(format!("http://cloud.test/identity/v3/endpoints/{policy}")));
        let listed = format!("/policies/{policy}/OS-ENDPOINT-POLICY/endpoints");
        let listed = cloud.admin(200, "GET", &listed, Value::Null).await;
        assert_eq!(listed["endpoints"][0]["id"], json!(endpoint));
        assert_eq!(listed["endpoints"].as_array().unwrap().len(), 1);
        places.push((place, path));
    }
    while let Some((place, path)) = places.pop() {
        assert_eq!(cloud.admin(200, "GET", &holding, Value::Null).await["policy"]["blob"], json!(place));
        cloud.admin(204, "DELETE", &path, Value::Null).await;
        cloud.admin(204, "DELETE", &path, Value::Null).await;
    }
    cloud.admin(404, "GET", &holding, Value::Null).await;
}

#[tokio::test]
async fn a_place_has_one_policy() {
    let cloud = Cloud::start().await;
    let nova = id(&cloud.admin(200, "GET", "/services?name=nova", Value::Null).await["services"][0]);
    let (one, two) = (cloud.policy("1").await, cloud.policy("2").await);
    let path = |policy: &str| format!("/policies/{policy}/OS-ENDPOINT-POLICY/services/{nova}");
    cloud.admin(204, "PUT", &path(&one), Value::Null).await;
    cloud.admin(204, "PUT", &path(&two), Value::Null).await;
    cloud.admin(404, "GET", &path(&one), Value::Null).await;
    cloud.admin(204, "GET", &path(&two), Value::Null).await;
    let listed = format!("/policies/{two}/OS-ENDPOINT-POLICY/endpoints");
    assert_eq!(cloud.admin(200, "GET", &listed, Value::Null).await["endpoints"].as_array().unwrap().len(), 3);
    for (path, expected) in [
        (format!("/policies/{one}/OS-ENDPOINT-POLICY/services/nope"), "Could not find service: nope."),
        (format!("/policies/{one}/OS-ENDPOINT-POLICY/services/{nova}/regions/nope"), "Could not find region: nope."),
        (format!("/policies/{one}/OS-ENDPOINT-POLICY/endpoints/nope"), "Could not find endpoint: nope."),
        (format!("/policies/nope/OS-ENDPOINT-POLICY/services/{nova}"), "Could not find policy: nope."),
    ] {
        let answer = cloud.call(&cloud.admin, "PUT", &path, Value::Null).await;
        assert_eq!((answer.status, message(&answer).as_str()), (404, expected));
    }
    // An association goes with what it names.
    cloud.admin(204, "DELETE", &format!("/policies/{two}"), Value::Null).await;
    cloud.admin(204, "PUT", &path(&one), Value::Null).await;
    cloud.admin(204, "DELETE", &format!("/services/{nova}"), Value::Null).await;
    let listed = format!("/policies/{one}/OS-ENDPOINT-POLICY/endpoints");
    assert_eq!(cloud.admin(200, "GET", &listed, Value::Null).await["endpoints"], json!([]));
}
