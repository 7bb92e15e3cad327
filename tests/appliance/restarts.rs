//! The appliance stops and starts again on the same data directory.

use cloudbox::appliance::StartError;
use hypervisor::fake::{Misbehaviour, Verb};
use kit::ids::ServerId;
use serde_json::json;

use crate::scenery::{SERVERS, Tenant, becomes, held, holds, volume_becomes};
use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_servers_and_all_they_have_are_still_there() {
    let mut world = World::start().await;
    let mut tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let (on, off) = (tenant.boot("on", json!({})).await, tenant.boot("off", json!({})).await);
    let path = format!("{SERVERS}/{on}/os-volume_attachments");
    tenant.client.post(&path, json!({ "volumeAttachment": { "volumeId": volume } })).await.expect(200);
    volume_becomes(&tenant.client, &volume, "in-use").await;
    tenant.act(&off, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &off, "SHUTOFF").await;
    let before = held(&world).await;
    world.restart().await;
    tenant.client = tenant.client.at(world.appliance().public_url());
    becomes(&tenant.client, &on, "ACTIVE").await;
    becomes(&tenant.client, &off, "SHUTOFF").await;
    holds(&world, &before).await;
    assert!(world.guests.runs_with(&ServerId::new(&on)).is_some());
    tenant.act(&off, json!({ "os-start": null })).await;
    becomes(&tenant.client, &off, "ACTIVE").await;
    tenant.client.get(&format!("/image/v2/images/{}/file", tenant.image)).await.expect_bytes(200);
    tenant.boot("new", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_host_was_off_guests_are_as_they_were_last_asked_to_be() {
    let mut world = World::start().await;
    let mut tenant = Tenant::new(&world, "alice").await;
    let (on, off) = (tenant.boot("on", json!({})).await, tenant.boot("off", json!({})).await);
    tenant.act(&off, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &off, "SHUTOFF").await;
    world.stop().await;
    // What a reboot of the host leaves of guests: nothing.
    std::fs::remove_dir_all(world.directory().join("fake-guests")).unwrap();
    world.restart().await;
    tenant.client = tenant.client.at(world.appliance().public_url());
    becomes(&tenant.client, &on, "ACTIVE").await;
    until("the guest to run", || async {
        if world.guests.runs_with(&ServerId::new(&on)).is_some() { Ok(()) } else { Err("off".to_owned()) }
    })
    .await;
    becomes(&tenant.client, &off, "SHUTOFF").await;
    assert!(world.guests.runs_with(&ServerId::new(&off)).is_none());
    tenant.act(&off, json!({ "os-start": null })).await;
    becomes(&tenant.client, &off, "ACTIVE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_was_cut_off_ends_one_way_or_the_other() {
    let mut world = World::start().await;
    let mut tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    world.guests.faults().plan(Verb::EnsureRunning, Misbehaviour::Hang, usize::MAX);
    let id = tenant.create("cut-off", json!({})).await;
    until("the hypervisor to be asked", || async {
        let asked = world.guests.calls().iter().any(|(verb, _)| *verb == Verb::EnsureRunning);
        if asked { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    world.restart().await;
    tenant.client = tenant.client.at(world.appliance().public_url());
    let status = until("the build to end", || async {
        let server = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200)["server"].take();
        match server["status"].as_str().unwrap() {
            "BUILD" => Err(server.to_string()),
            status => Ok(status.to_owned()),
        }
    })
    .await;
    if status == "ERROR" {
        holds(&world, &nothing).await;
    } else {
        becomes(&tenant.client, &id, "ACTIVE").await;
    }
    tenant.delete(&id).await;
    holds(&world, &nothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_data_directory_is_for_one_cloud() {
    let mut world = World::start().await;
    let error = world.start_beside().await.unwrap_err();
    assert!(matches!(error, StartError::Store(_)), "{error:?}");
    assert!(error.to_string().contains("cloudbox"), "{error}");
    world.admin.get("/identity/v3/projects").await.expect(200);
    world.restart().await;
    world.admin.get("/identity/v3/projects").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_cannot_start_says_why() {
    let mut world = World::start().await;
    world.stop().await;
    std::fs::write(world.directory().join("cloudbox.db"), "this is no database, however long it may be").unwrap();
    let error = world.start_beside().await.unwrap_err();
    assert!(matches!(error, StartError::Store(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("cloudbox.db"), "{text}");
}
