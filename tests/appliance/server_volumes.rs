//! Servers and volumes: attach, detach, boot from a volume.

use kit::ids::ServerId;
use serde_json::{Value, json};

use crate::scenery::{SERVERS, Tenant, gone, held, holds, volume_becomes};
use crate::world::{World, until};

fn serials(world: &World, server: &str) -> Vec<String> {
    let spec = world.guests.runs_with(&ServerId::new(server)).unwrap();
    spec.disks.iter().map(|disk| disk.serial.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_is_attached_to_a_running_server_and_detached() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let id = tenant.boot("one", json!({})).await;
    let path = format!("{SERVERS}/{id}/os-volume_attachments");
    let body = json!({ "volumeAttachment": { "volumeId": volume } });
    let attached = tenant.client.post(&path, body.clone()).await.expect(200);
    assert_eq!(attached["volumeAttachment"]["device"], "/dev/vdb");
    let in_use = volume_becomes(&tenant.client, &volume, "in-use").await;
    let attachment = &in_use["attachments"][0];
    assert_eq!((&attachment["server_id"], &attachment["device"]), (&json!(id), &json!("/dev/vdb")));
    until("the disk to be there", || async {
        let there = serials(&world, &id).contains(&volume);
        if there { Ok(()) } else { Err(format!("{:?}", serials(&world, &id))) }
    })
    .await;
    let twice = tenant.client.post(&path, body).await;
    assert!(matches!(twice.status, 400 | 409), "{} {}", twice.status, twice.text());
    let busy = tenant.client.delete(&format!("/volume/v3/volumes/{volume}")).await;
    assert_eq!(busy.status, 400, "{}", busy.text());
    let listed = tenant.client.get(&path).await.expect(200);
    assert_eq!(listed["volumeAttachments"][0]["volumeId"], json!(volume));
    tenant.client.delete(&format!("{path}/{volume}")).await.expect(202);
    volume_becomes(&tenant.client, &volume, "available").await;
    assert!(!serials(&world, &id).contains(&volume));
    until("the attachment to be gone", || async {
        let left = tenant.client.get(&path).await.expect(200)["volumeAttachments"].take();
        if left == json!([]) { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
    tenant.client.delete(&format!("{path}/{volume}")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_boots_from_a_volume_that_goes_with_it() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    let disks = json!([{
        "uuid": tenant.image, "source_type": "image", "destination_type": "volume", "volume_size": 2, "boot_index": 0,
        "delete_on_termination": true,
    }]);
    let id = tenant.boot("rooted", json!({ "imageRef": null, "block_device_mapping_v2": disks })).await;
    let volumes = tenant.client.get("/volume/v3/volumes/detail").await.expect(200);
    let volume = &volumes["volumes"][0];
    assert_eq!(
        (&volume["size"], &volume["status"], &volume["bootable"]),
        (&json!(2), &json!("in-use"), &json!("true"))
    );
    let shown = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200);
    assert_eq!(shown["server"]["image"], "");
    let attached = &shown["server"]["os-extended-volumes:volumes_attached"];
    assert_eq!(attached[0]["id"], volume["id"]);
    assert_eq!(serials(&world, &id), [volume["id"].as_str().unwrap()]);
    tenant.delete(&id).await;
    gone(&tenant.client, &format!("/volume/v3/volumes/{}", volume["id"].as_str().unwrap())).await;
    holds(&world, &nothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_was_there_outlives_its_server() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let root = tenant.volume(json!({ "imageRef": tenant.image })).await;
    let disks = json!([{ "uuid": root, "source_type": "volume", "destination_type": "volume", "boot_index": 0 }]);
    let id = tenant.boot("from-volume", json!({ "imageRef": null, "block_device_mapping_v2": disks })).await;
    volume_becomes(&tenant.client, &root, "in-use").await;
    let detach = tenant.client.delete(&format!("{SERVERS}/{id}/os-volume_attachments/{root}")).await;
    assert!(matches!(detach.status, 400 | 403), "the root stays: {} {}", detach.status, detach.text());
    tenant.delete(&id).await;
    let volume = volume_becomes(&tenant.client, &root, "available").await;
    assert_eq!(volume["attachments"], json!([]));
    let old = json!([{ "volume_id": root, "device_name": "vda", "delete_on_termination": "0" }]);
    let id = tenant.boot("v1", json!({ "imageRef": null, "block_device_mapping": old })).await;
    tenant.delete(&id).await;
    volume_becomes(&tenant.client, &root, "available").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_is_one_servers_at_a_time() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let (one, two) = (tenant.boot("one", json!({})).await, tenant.boot("two", json!({})).await);
    let body = || json!({ "volumeAttachment": { "volumeId": volume } });
    let attach = |server: String| {
        let (path, body) = (format!("{SERVERS}/{server}/os-volume_attachments"), body());
        let client = tenant.client.clone();
        async move { client.post(&path, body).await.status }
    };
    let mut statuses = [attach(one.clone()).await, attach(two.clone()).await];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(matches!(statuses[1], 400 | 409), "{statuses:?}");
    volume_becomes(&tenant.client, &volume, "in-use").await;
    tenant.delete(&one).await;
    tenant.delete(&two).await;
    let after = volume_becomes(&tenant.client, &volume, "available").await;
    assert_eq!(after["attachments"], Value::Array(Vec::new()));
}
