//! Several stores: which gets what, what is copied and taken away, what happens when one is not there.

use kit::config::ImageStore;
use serde_json::{Value, json};

use super::{World, raw, world_with};

/// A world with a second store, `slow`.
pub(crate) async fn two_stores() -> World {
    let slow = || ImageStore { id: "slow".to_owned(), path: "slow".into(), description: "large".to_owned() };
    world_with(|config| config.stores = vec![slow()]).await
}

fn copy(more: Value) -> Value {
    let mut body = json!({ "method": { "name": "copy-image" } });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn remove(world: &World, token: &str, store: &str, id: &str) -> u16 {
    world.call(token, "DELETE", &format!("/v2/stores/{store}/{id}"), &[], Value::Null).await.status
}

#[tokio::test]
async fn stores_are_listed_and_an_upload_chooses_one() {
    let world = two_stores().await;
    let get = async |token: &str, path: &str| world.call(token, "GET", path, &[], Value::Null).await;
    let listed = get("member", "/v2/info/stores").await.json();
    let expected = json!({ "stores": [{ "id": "file", "default": "true" }, { "id": "slow", "description": "large" }] });
    assert_eq!(listed, expected);
    assert_eq!(get("member", "/v2/info/stores/detail").await.status, 403);
    let detail = get("admin", "/v2/info/stores/detail").await.json();
    assert_eq!((&detail["stores"][1]["type"], &detail["stores"][1]["weight"]), (&json!("file"), &json!(0)));
    let methods = get("member", "/v2/info/import").await.json();
    assert_eq!(methods["import-methods"]["value"], json!(["glance-direct", "web-download", "copy-image"]));
    let made = world.call("member", "POST", "/v2/images", &[], raw()).await;
    assert_eq!(made.header("openstack-image-store-ids"), "file,slow");
    assert_eq!(made.header("openstack-image-import-methods"), "glance-direct,web-download,copy-image");

    let id = world.image().await;
    assert!(world.show(&id).await.get("stores").is_none());
    let to = |store| [("x-image-meta-store", store)];
    assert_eq!(world.put(&id, "file", &to("nowhere"), b"x".to_vec()).await, 400);
    assert_eq!(world.put(&id, "file", &to("slow"), b"x".to_vec()).await, 204);
    assert_eq!(world.show(&id).await["stores"], "slow");
    assert!(world.files().iter().all(|file| file.starts_with("slow/")));
    assert_eq!(world.download(&id, &[]).await.text(), "x");
}

#[tokio::test]
async fn images_are_copied_between_stores_and_taken_out_of_them() {
    let world = two_stores().await;
    let id = world.image().await;
    assert_eq!(world.import("admin", &id, copy(json!({ "stores": ["slow"] }))).await, 409, "it is not active");
    world.upload(&id, b"bytes").await;
    assert_eq!(world.import("member", &id, copy(json!({ "stores": ["slow"] }))).await, 403);
    assert_eq!(world.import("admin", &id, copy(json!({ "stores": ["file"] }))).await, 400, "it is there already");
    assert_eq!(world.import("admin", &id, copy(json!({ "stores": ["nope"] }))).await, 409);
    assert_eq!(remove(&world, "admin", "file", &id).await, 403, "the only one");
    assert_eq!(world.import("admin", &id, copy(json!({ "all_stores": true }))).await, 202);
    let image = world.settled(&id).await;
    assert_eq!((&image["stores"], &image["status"]), (&json!("file,slow"), &json!("active")));
    assert_eq!(image["os_glance_importing_to_stores"], "");
    assert_eq!(world.task(&id).await["status"], "success");
    assert_eq!(world.files().len(), 2);

    assert_eq!(remove(&world, "member", "file", &id).await, 403);
    assert_eq!(remove(&world, "admin", "nope", &id).await, 409);
    assert_eq!(remove(&world, "admin", "file", &id).await, 204);
    assert_eq!(world.show(&id).await["stores"], "slow");
    assert_eq!(remove(&world, "admin", "file", &id).await, 403, "there is one left");
    assert_eq!(world.files().len(), 1);
    assert_eq!(world.download(&id, &[]).await.text(), "bytes");
}

#[tokio::test]
async fn damaged_bytes_are_not_copied() {
    let world = two_stores().await;
    let id = world.image().await;
    world.upload(&id, b"bytes").await;
    std::fs::write(world.store.directory().join(&world.files()[0]), b"bytez").unwrap();
    assert_eq!(world.import("admin", &id, copy(json!({ "stores": ["slow"] }))).await, 202);
    let image = world.settled(&id).await;
    assert_eq!((&image["stores"], &image["os_glance_failed_import"]), (&json!("file"), &json!("slow")));
    assert_eq!(image["status"], "active");
    let task = world.task(&id).await;
    assert_eq!(task["status"], "failure");
    assert!(task["message"].as_str().unwrap().contains("checksum"), "{task}");
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_said_and_the_others_serve() {
    let world = two_stores().await;
    let (both, gone) = (world.image().await, world.image().await);
    world.upload(&both, b"both").await;
    world.import("admin", &both, copy(json!({ "stores": ["slow"] }))).await;
    world.settled(&both).await;
    let slow = [("x-image-meta-store", "slow")];
    world.put(&gone, "file", &slow, b"gone".to_vec()).await;
    let away = world.store.directory().join("away");
    std::fs::rename(world.store.directory().join("slow"), &away).unwrap();
    assert_eq!(world.download(&both, &[]).await.text(), "both");
    let refused = world.download(&gone, &[]).await;
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("slow"), "{}", refused.text());
    let new = world.image().await;
    assert_eq!(world.put(&new, "file", &slow, b"new".to_vec()).await, 503);
    assert_eq!(world.show(&new).await["status"], "queued");
    // A start without it comes up, and nothing is forgotten.
    world.service.bootstrap().await.unwrap();
    std::fs::rename(away, world.store.directory().join("slow")).unwrap();
    assert_eq!(world.download(&gone, &[]).await.text(), "gone");
    assert_eq!(world.put(&new, "file", &slow, b"new".to_vec()).await, 204);
}

#[tokio::test]
async fn an_import_may_be_content_with_some_stores() {
    let world = two_stores().await;
    std::fs::remove_dir_all(world.store.directory().join("slow")).unwrap();
    let direct = |all: bool| json!({ "method": { "name": "glance-direct" }, "stores": ["slow", "file"], "all_stores_must_succeed": all });
    let (strict, lenient) = (world.image().await, world.image().await);
    for (id, all) in [(&strict, true), (&lenient, false)] {
        assert_eq!(world.stage(id, b"bytes").await, 204);
        assert_eq!(world.import("member", id, direct(all)).await, 202);
    }
    let image = world.settled(&strict).await;
    assert_eq!((&image["status"], &image["size"], image.get("stores")), (&json!("queued"), &Value::Null, None));
    assert_eq!(image["os_glance_failed_import"], "file,slow");
    assert_eq!(world.task(&strict).await["status"], "failure");
    let image = world.settled(&lenient).await;
    assert_eq!((&image["status"], &image["stores"]), (&json!("active"), &json!("file")));
    assert_eq!(image["os_glance_failed_import"], "slow");
    assert_eq!(world.task(&lenient).await["status"], "success");
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
}
