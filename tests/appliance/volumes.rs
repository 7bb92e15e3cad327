//! Volumes by themselves: made empty or from an image, counted, and their owner's alone.

use serde_json::json;

use crate::scenery::{self, Tenant, gone, volume_becomes};
use crate::world::{HOST, World, id_of};

const VOLUMES: &str = "/volume/v3/volumes";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_is_on_the_host_while_it_exists() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.volume(json!({ "size": 3 })).await;
    assert_eq!(world.volumes.volumes(), [id.as_str().into()]);
    let shown = tenant.client.get(&format!("{VOLUMES}/{id}")).await.expect(200);
    assert_eq!((&shown["volume"]["size"], &shown["volume"]["bootable"]), (&json!(3), &json!("false")));
    let host = world.admin.get(&format!("{VOLUMES}/detail?all_tenants=1")).await.expect(200);
    assert!(host["volumes"][0]["os-vol-host-attr:host"].as_str().unwrap().starts_with(HOST));
    tenant.client.delete(&format!("{VOLUMES}/{id}")).await.expect(202);
    gone(&tenant.client, &format!("{VOLUMES}/{id}")).await;
    assert!(world.volumes.volumes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_makes_a_volume_that_boots() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.volume(json!({ "imageRef": tenant.image })).await;
    let shown = tenant.client.get(&format!("{VOLUMES}/{id}")).await.expect(200);
    let volume = &shown["volume"];
    assert_eq!(
        (&volume["bootable"], &volume["volume_image_metadata"]["image_id"]),
        (&json!("true"), &json!(tenant.image))
    );
    let raw = json!({ "name": "big", "disk_format": "raw", "container_format": "bare", "min_disk": 5 });
    let big = scenery::image_of(&tenant.client, raw, scenery::raw_disk()).await;
    let small = json!({ "volume": { "size": 1, "imageRef": big } });
    let message = tenant.client.post(VOLUMES, small).await.refusal(400);
    assert!(message.contains("minDisk size 5GB"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_backend_is_an_error_that_can_be_deleted() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    world.volumes.fail(1);
    let body = json!({ "volume": { "size": 1 } });
    let id = id_of(&tenant.client.post(VOLUMES, body).await.expect(202)["volume"]);
    volume_becomes(&tenant.client, &id, "error").await;
    tenant.client.delete(&format!("{VOLUMES}/{id}")).await.expect(202);
    gone(&tenant.client, &format!("{VOLUMES}/{id}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_creates_never_pass_the_quota() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let quota = format!("/volume/v3/os-quota-sets/{}", tenant.client.project());
    world.admin.put(&quota, json!({ "quota_set": { "volumes": 5 } })).await.expect(200);
    let creates = (0..50).map(|_| tenant.client.post(VOLUMES, json!({ "volume": { "size": 1 } })));
    let answers = futures_util::future::join_all(creates).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
    assert_eq!(made.len(), 5);
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        assert!(refused.refusal(413).contains("VolumeLimitExceeded"), "{}", refused.text());
    }
    for answer in made {
        volume_becomes(&tenant.client, &id_of(&answer.json()["volume"]), "available").await;
    }
    assert_eq!(world.volumes.volumes().len(), 5);
}
