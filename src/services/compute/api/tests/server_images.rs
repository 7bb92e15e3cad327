//! `createImage`.

use bus::topics::compute_types::{TaskState, VmState};
use serde_json::{Value, json};

use super::fixture::{Fixture, IMAGE, VOLUME, message};

async fn create(cloud: &Fixture, token: &str, minor: u16, id: &str, asked: Value) -> http_kit::testing::Answer {
    cloud.send(token, minor, "POST", &format!("/servers/{id}/action"), json!({ "createImage": asked })).await
}

async fn task(cloud: &Fixture, id: &str) -> Value {
    cloud.get("member", 1, &format!("/servers/{id}")).await["server"]["OS-EXT-STS:task_state"].clone()
}

#[tokio::test]
async fn an_image_of_a_server_is_begun_and_says_what_it_is_of() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let answer = create(&cloud, "member", 45, &id, json!({ "name": "snap", "metadata": { "note": "n" } })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    cloud.hears("SnapshotInstance").await;
    let asked = cloud.world.lock().unwrap().snapshots.remove(0);
    assert_eq!(answer.json(), json!({ "image_id": asked.image_id }));
    assert_eq!((asked.name.as_str(), asked.shared_with, asked.min_disk_gb), ("snap", None, 1));
    for (name, value) in [
        ("image_type", "snapshot"),
        ("instance_uuid", id.as_str()),
        ("base_image_ref", IMAGE),
        ("boot_roles", "member,reader"),
        ("hw_rng_model", "virtio"),
        ("note", "n"),
    ] {
        assert_eq!(asked.properties.get(name).map(String::as_str), Some(value), "{name}: {:?}", asked.properties);
    }
    assert!(
        ["user_id", "owner_user_name", "owner_project_name"].iter().all(|name| asked.properties.contains_key(*name))
    );
    assert_eq!(task(&cloud, &id).await, "image_snapshot_pending");
    let again = message(&create(&cloud, "member", 45, &id, json!({ "name": "snap" })).await);
    let refused = format!("Cannot 'createImage' instance {id} while it is in task_state image_snapshot_pending");
    assert_eq!(again, (409, refused));
    let actions = cloud.get("member", 1, &format!("/servers/{id}/os-instance-actions")).await;
    assert_eq!(actions["instanceActions"][0]["action"], "createImage");
    // When nothing is done to the server any more, it has forgotten the image.
    cloud.set(&id, VmState::Active, None).await;
    let older = create(&cloud, "member", 44, &id, json!({ "name": "snap" })).await;
    let image_id = cloud.world.lock().unwrap().snapshots.remove(0).image_id;
    assert_ne!(image_id, asked.image_id);
    assert_eq!((older.status, older.text().as_str()), (202, ""));
    assert_eq!(older.header("location"), format!("http://c/image/v2/images/{image_id}"));
}

#[tokio::test]
async fn an_administrators_image_of_anothers_server_is_shared_with_him_even_if_it_is_locked() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let lock = json!({ "lock": null });
    assert_eq!(cloud.member("POST", &format!("/servers/{id}/action"), lock).await.status, 202);
    assert_eq!(create(&cloud, "member", 45, &id, json!({ "name": "a" })).await.status, 202);
    cloud.set(&id, VmState::Active, None).await;
    let server = cloud.get("member", 1, &format!("/servers/{id}")).await;
    let answer = create(&cloud, "admin", 45, &id, json!({ "name": "b" })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let asked = cloud.world.lock().unwrap().snapshots.remove(1);
    assert_eq!(asked.shared_with.map(|project| json!(project)), Some(server["server"]["tenant_id"].clone()));
    assert_eq!(json!(asked.properties["instance_owner"]), server["server"]["tenant_id"]);
}

#[tokio::test]
async fn what_cannot_be_an_image_is_refused() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    for bad in [json!({}), json!({ "name": "" }), json!({ "name": "x".repeat(256) }), json!({ "name": "x", "y": 1 })] {
        assert_eq!(create(&cloud, "member", 45, &id, bad.clone()).await.status, 400, "{bad}");
    }
    let long = json!({ "name": "x", "metadata": { "k": "v".repeat(256) } });
    assert_eq!(create(&cloud, "member", 45, &id, long).await.status, 400);
    let items: serde_json::Map<_, _> = (0..129).map(|n| (format!("k{n}"), json!("v"))).collect();
    let many = json!({ "name": "x", "metadata": items });
    assert_eq!(create(&cloud, "member", 38, &id, many).await.status, 403);
    for (state, task) in
        [(VmState::Error, None), (VmState::Building, None), (VmState::Active, Some(TaskState::Rebooting))]
    {
        cloud.set(&id, state, task).await;
        assert_eq!(create(&cloud, "member", 45, &id, json!({ "name": "x" })).await.status, 409, "{state} {task:?}");
    }
    for state in [VmState::Stopped, VmState::Paused, VmState::Suspended] {
        cloud.set(&id, state, None).await;
        assert_eq!(create(&cloud, "member", 45, &id, json!({ "name": "x" })).await.status, 202, "{state}");
    }
    assert_eq!(create(&cloud, "other", 45, &id, json!({ "name": "x" })).await.status, 404);
    assert_eq!(create(&cloud, "reader", 45, &id, json!({ "name": "x" })).await.status, 403);
}

#[tokio::test]
async fn an_image_that_the_image_service_does_not_take_leaves_the_server_alone() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    cloud.world.lock().unwrap().full = true;
    let refused = message(&create(&cloud, "member", 45, &id, json!({ "name": "x" })).await);
    assert_eq!(refused, (413, "The project may have no more images.".to_owned()));
    assert_eq!(task(&cloud, &id).await, Value::Null);
    let actions = cloud.get("member", 1, &format!("/servers/{id}/os-instance-actions")).await;
    assert_eq!(actions["instanceActions"][0]["message"], "Error");
}

#[tokio::test]
async fn a_server_that_boots_from_a_volume_says_what_is_missing() {
    let cloud = Fixture::new().await;
    let body = json!({ "server": { "name": "v", "flavorRef": "1", "networks": "none", "block_device_mapping_v2":
        [{ "uuid": VOLUME, "source_type": "volume", "destination_type": "volume", "boot_index": 0 }] } });
    let made = cloud.send("member", 37, "POST", "/servers", body).await;
    assert_eq!(made.status, 202, "{}", made.text());
    let id = made.json()["server"]["id"].as_str().unwrap().to_owned();
    let refused = create(&cloud, "member", 45, &id, json!({ "name": "x" })).await;
    assert_eq!(refused.status, 501, "{}", refused.text());
    assert_eq!(task(&cloud, &id).await, Value::Null);
}
