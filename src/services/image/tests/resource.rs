//! Images one by one: making, changing, deleting, deactivating; schemas.

use serde_json::{Value, json};

use super::{PATCH, raw, world};

#[tokio::test]
async fn what_clients_do_not_set_is_refused() {
    let world = world().await;
    for (status, body) in [
        (403, json!({ "status": "active" })),
        (403, json!({ "direct_url": "x" })),
        (403, json!({ "deleted": "x" })),
        (403, json!({ "os_glance_x": "x" })),
        (403, json!({ "locations": [] })),
        (403, json!({ "visibility": "public" })),
        (403, json!({ "owner": "elsewhere" })),
        (400, json!({ "id": "x" })),
        (400, json!({ "disk_format": "floppy" })),
        (400, json!({ "colour": 1 })),
        (400, json!({ "colour": null })),
        (400, json!({ "min_disk": -1 })),
        (400, json!({ "name": "n".repeat(256) })),
        (400, json!({ "n".repeat(256): "x" })),
        (400, json!({ "tags": ["t".repeat(256)] })),
        (400, json!([])),
        (400, Value::Null),
    ] {
        world.must(status, "POST", "/images", body).await;
    }
    let properties: Value = (0..129).map(|index| (format!("p{index}"), json!("x"))).collect();
    world.must(413, "POST", "/images", properties).await;
    let owned = world.must_as("admin", 201, "POST", "/images", json!({ "owner": "project" })).await;
    assert_eq!(world.show(owned["id"].as_str().unwrap()).await["owner"], "project");
    let id = "4a1e5a1c-0d5b-4b1a-9b51-3c4e3e4f5a6b";
    world.must(201, "POST", "/images", json!({ "id": id })).await;
    world.must(409, "POST", "/images", json!({ "id": id })).await;
}

#[tokio::test]
async fn a_patch_is_applied_as_a_whole_or_not_at_all() {
    let world = world().await;
    let made = world.create(raw()).await;
    let path = format!("/images/{}", made["id"].as_str().unwrap());
    let half = json!([
        { "op": "replace", "path": "/name", "value": "half" },
        { "op": "replace", "path": "/nothing", "value": "x" },
    ]);
    world.must(409, "PATCH", &path, half).await;
    assert_eq!(world.must(200, "GET", &path, Value::Null).await["name"], "x");
    let older = [("content-type", "application/openstack-images-v2.0-json-patch")];
    let body = json!([{ "replace": "/name", "value": "new" }, { "add": "/p2", "value": "w" }, { "remove": "/p1" }]);
    let answer = world.call("member", "PATCH", &format!("/v2{path}"), &older, body).await;
    let image = answer.json();
    assert_eq!((answer.status, &image["name"], &image["p2"]), (200, &json!("new"), &json!("w")));
    assert!(image.get("p1").is_none());
    for (status, op, name, value) in [
        (403, "replace", "/owner", json!("elsewhere")),
        (403, "replace", "/locations", json!([])),
        (403, "add", "/locations/-", json!({ "url": "file:///etc/passwd", "metadata": {} })),
        (403, "remove", "/locations/0", Value::Null),
        (403, "replace", "/visibility", json!("public")),
    ] {
        let change = json!([{ "op": op, "path": name, "value": value }]);
        world.must(status, "PATCH", &path, change).await;
    }
    world.must(200, "PATCH", &path, json!([{ "op": "replace", "path": "/visibility", "value": "community" }])).await;
    let given = json!([{ "op": "replace", "path": "/owner", "value": "elsewhere" }]);
    world.must_as("admin", 200, "PATCH", &path, given).await;
    world.must(403, "PATCH", &path, json!([{ "op": "add", "path": "/p3", "value": "x" }])).await;
    let wrong =
        world.call("member", "PATCH", "/v2/images/nope", &[("content-type", "application/json")], json!([])).await;
    assert_eq!((wrong.status, wrong.header("accept-patch").split(", ").count()), (415, 2));
    assert!(wrong.json()["message"].as_str().unwrap().contains(PATCH.1));
    world.must(400, "PATCH", "/images/nope", json!({})).await;
    world.must(404, "PATCH", "/images/nope", json!([])).await;
}

#[tokio::test]
async fn formats_stay_once_there_are_bytes() {
    let world = world().await;
    let made = world.create(raw()).await;
    let id = made["id"].as_str().unwrap();
    let change = |format: &str| json!([{ "op": "replace", "path": "/disk_format", "value": format }]);
    world.must(200, "PATCH", &format!("/images/{id}"), change("raw")).await;
    assert_eq!(world.upload(id, b"hello").await, 204);
    world.must(403, "PATCH", &format!("/images/{id}"), change("qcow2")).await;
}

#[tokio::test]
async fn a_protected_image_is_not_deleted() {
    let world = world().await;
    let made = world.create(json!({ "protected": true })).await;
    let path = format!("/images/{}", made["id"].as_str().unwrap());
    world.must(403, "DELETE", &path, Value::Null).await;
    world.must(200, "PATCH", &path, json!([{ "op": "replace", "path": "/protected", "value": false }])).await;
    world.must(204, "DELETE", &path, Value::Null).await;
    world.must(404, "DELETE", &path, Value::Null).await;
}

#[tokio::test]
async fn a_deactivated_image_keeps_its_bytes_back() {
    let world = world().await;
    let made = world.create(raw()).await;
    let id = made["id"].as_str().unwrap();
    let act = |action: &str| format!("/images/{id}/actions/{action}");
    world.must(403, "POST", &act("deactivate"), Value::Null).await;
    assert_eq!(world.upload(id, b"hello").await, 204);
    world.must_as("reader", 403, "POST", &act("deactivate"), Value::Null).await;
    world.must_as("stranger", 404, "POST", &act("deactivate"), Value::Null).await;
    for _ in 0..2 {
        world.must(204, "POST", &act("deactivate"), Value::Null).await;
    }
    assert_eq!(world.show(id).await["status"], "deactivated");
    let file = format!("/images/{id}/file");
    world.must(403, "GET", &file, Value::Null).await;
    world.must_as("admin", 200, "GET", &file, Value::Null).await;
    world.service.bootstrap().await.unwrap();
    for _ in 0..2 {
        world.must(204, "POST", &act("reactivate"), Value::Null).await;
    }
    let bytes = world.call("member", "GET", &format!("/v2{file}"), &[], Value::Null).await;
    assert_eq!((bytes.status, bytes.text().as_str()), (200, "hello"));
}

#[tokio::test]
async fn places_of_bytes_are_for_the_clouds_own_and_are_not_said_from_outside() {
    let world = world().await;
    let made = world
        .must_as(
            "admin",
            201,
            "POST",
            "/images",
            json!({ "name": "x", "disk_format": "raw",
        "container_format": "bare", "visibility": "public", "owner": "project" }),
        )
        .await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/images/{id}/locations");
    let place = json!({ "url": "http://cloud.test/x" });
    world.must(403, "POST", &path, place.clone()).await;
    world.must_as("service", 400, "POST", &path, place.clone()).await;
    world.must(400, "POST", &path, json!({})).await;
    assert_eq!(world.must_as("service", 200, "GET", &path, Value::Null).await, json!([]));
    assert_eq!(world.upload(id, b"hello").await, 204);
    let places = world.must_as("service", 200, "GET", &path, Value::Null).await;
    assert_eq!(places[0]["metadata"], json!({ "store": "file" }));
    let file = places[0]["url"].as_str().unwrap().strip_prefix("file://").unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"hello");
    world.must(403, "GET", &path, Value::Null).await;
    world.must_as("service", 409, "POST", &path, place).await;
}

#[tokio::test]
async fn schemas_are_given_out() {
    let world = world().await;
    for name in ["image", "images", "member", "members", "task", "tasks"] {
        assert_eq!(world.must_as("reader", 200, "GET", &format!("/schemas/{name}"), Value::Null).await["name"], name);
    }
}
