//! Flavors, their extra specs, and who may use them.

use serde_json::{Value, json};

use super::fixture::{Fixture, message};

fn flavor(id: &str, name: &str, public: bool) -> Value {
    json!({ "flavor": { "id": id, "name": name, "ram": 64, "vcpus": "1", "disk": 0, "os-flavor-access:is_public": public } })
}

async fn ids(cloud: &Fixture, token: &str, query: &str) -> String {
    let listed = cloud.get(token, 1, &format!("/flavors{query}")).await;
    listed["flavors"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_new_cloud_has_some() {
    let cloud = Fixture::new().await;
    cloud.compute.bootstrap().await.unwrap();
    assert_eq!(ids(&cloud, "member", "").await, "1 2 3 4");
    assert_eq!(ids(&cloud, "member", "?minRam=512&minDisk=2").await, "3 4");
    let page = cloud.get("member", 1, "/flavors/detail?limit=1").await;
    assert_eq!(page["flavors"][0]["name"], "m1.nano");
    assert_eq!(page["flavors_links"][0]["href"], "http://c/compute/v2.1/flavors/detail?limit=1&marker=1");
    assert_eq!(ids(&cloud, "member", "?limit=2&marker=1").await, "2 3");
    let bad = cloud.member("GET", "/flavors?minRam=x", Value::Null).await;
    assert_eq!(message(&bad), (400, "Invalid minRam filter [x]".into()));
}

#[tokio::test]
async fn administrators_make_describe_and_delete_them() {
    let cloud = Fixture::new().await;
    let refused = cloud.member("POST", "/flavors", flavor("9", "nine", true)).await;
    assert_eq!(
        message(&refused),
        (403, "Policy doesn't allow os_compute_api:os-flavor-manage:create to be performed.".into())
    );
    let made = cloud.send("admin", 1, "POST", "/flavors", flavor("9", "nine", true)).await;
    assert_eq!((made.status, made.json()["flavor"]["ram"].clone()), (200, json!(64)), "{}", made.text());
    let again = cloud.send("admin", 1, "POST", "/flavors", flavor("9", "ten", true)).await;
    assert_eq!(message(&again), (409, "Flavor with ID 9 already exists.".into()));
    let again = cloud.send("admin", 1, "POST", "/flavors", flavor("10", "nine", true)).await;
    assert_eq!(message(&again), (409, "Flavor with name nine already exists.".into()));
    let described = cloud.send("admin", 55, "PUT", "/flavors/9", json!({ "flavor": { "description": "small" } })).await;
    assert_eq!(described.json()["flavor"]["description"], "small");
    assert_eq!(cloud.send("admin", 1, "DELETE", "/flavors/9", Value::Null).await.status, 202);
    let gone = cloud.member("GET", "/flavors/9", Value::Null).await;
    assert_eq!(message(&gone), (404, "Flavor 9 could not be found.".into()));
}

#[tokio::test]
async fn a_private_flavor_is_for_those_who_were_let_in() {
    let cloud = Fixture::new().await;
    cloud.send("admin", 1, "POST", "/flavors", flavor("p", "private", false)).await;
    assert_eq!(cloud.member("GET", "/flavors/p", Value::Null).await.status, 404);
    let body = json!({ "addTenantAccess": { "tenant": "project" } });
    let added = cloud.send("admin", 1, "POST", "/flavors/p/action", body).await;
    assert_eq!(added.json(), json!({ "flavor_access": [{ "flavor_id": "p", "tenant_id": "project" }] }));
    assert_eq!(cloud.member("GET", "/flavors/p", Value::Null).await.status, 200);
    assert_eq!(ids(&cloud, "member", "").await, "1 2 3 4 p");
    assert_eq!(ids(&cloud, "other", "").await, "1 2 3 4");
    assert_eq!(ids(&cloud, "admin", "").await, "1 2 3 4");
    assert_eq!(ids(&cloud, "admin", "?is_public=none").await, "1 2 3 4 p");
    let body = json!({ "removeTenantAccess": { "tenant": "project" } });
    assert_eq!(cloud.send("admin", 1, "POST", "/flavors/p/action", body.clone()).await.status, 200);
    let again = cloud.send("admin", 1, "POST", "/flavors/p/action", body).await;
    assert_eq!(message(&again), (404, "Flavor access not found for p / project combination.".into()));
}

#[tokio::test]
async fn extra_specs_are_kept_one_by_one() {
    let cloud = Fixture::new().await;
    let path = "/flavors/1/os-extra_specs";
    let body = json!({ "extra_specs": { "hw:cpu_policy": "shared", "n": 1 } });
    let made = cloud.send("admin", 1, "POST", path, body).await;
    assert_eq!(made.json(), json!({ "extra_specs": { "hw:cpu_policy": "shared", "n": "1" } }));
    let changed = cloud.send("admin", 1, "PUT", &format!("{path}/n"), json!({ "n": "2" })).await;
    assert_eq!(changed.json(), json!({ "n": "2" }));
    assert_eq!(cloud.get("member", 1, &format!("{path}/n")).await, json!({ "n": "2" }));
    assert_eq!(cloud.send("admin", 1, "DELETE", &format!("{path}/n"), Value::Null).await.status, 200);
    let gone = cloud.send("admin", 1, "DELETE", &format!("{path}/n"), Value::Null).await;
    assert_eq!(message(&gone), (404, "Flavor 1 has no extra specs with key n.".into()));
    let shown = cloud.get("member", 61, "/flavors/1").await;
    assert_eq!(shown["flavor"]["extra_specs"], json!({ "hw:cpu_policy": "shared" }));
}
