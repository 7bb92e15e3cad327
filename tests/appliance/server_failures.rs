//! Servers that cannot be built: the fault says why, and what was taken is given back.

use std::time::Duration;

use hypervisor::fake::{Misbehaviour, Verb};
use network_agent::drivers::fake::Verb as NetworkVerb;
use serde_json::{Value, json};

use crate::scenery::{self, SERVERS, Tenant, becomes, gone, held, holds, raw_disk, volume_becomes};
use crate::world::{World, id_of, until};

/// What a server in ERROR says of itself.
fn fault(server: &Value) -> (u64, String) {
    let fault = &server["fault"];
    (fault["code"].as_u64().unwrap_or_default(), fault["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_at_each_peer_is_a_fault_and_gives_everything_back() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let disks = json!([
        { "uuid": tenant.image, "source_type": "image", "destination_type": "local", "boot_index": 0 },
        { "uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": -1 },
        { "source_type": "blank", "destination_type": "volume", "volume_size": 1, "delete_on_termination": true },
    ]);
    let nothing = held(&world).await;
    for peer in ["hypervisor", "hypervisor, late", "network", "volume"] {
        match peer {
            "hypervisor" => world.guests.faults().plan(Verb::EnsureRunning, Misbehaviour::Fail, usize::MAX),
            "hypervisor, late" => {
                world.guests.faults().plan(Verb::EnsureRunning, Misbehaviour::FailAfterwards, usize::MAX);
            }
            "volume" => world.volumes.fail(1),
            _ => world.network.fail(NetworkVerb::EnsurePort, u32::MAX),
        }
        let id = tenant.create(peer, json!({ "block_device_mapping_v2": disks })).await;
        let server = becomes(&tenant.client, &id, "ERROR").await;
        let (code, message) = fault(&server);
        assert!(code == 500 && !message.is_empty(), "{peer}: {server}");
        assert!(!message.contains(&world.directory().display().to_string()), "{message}");
        world.guests.faults().clear();
        world.network.fail(NetworkVerb::EnsurePort, 0);
        volume_becomes(&tenant.client, &volume, "available").await;
        holds(&world, &nothing).await;
        tenant.delete(&id).await;
        holds(&world, &nothing).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_cannot_be_made_is_a_fault_too() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    let disks = json!([{
        "uuid": tenant.image, "source_type": "image", "destination_type": "volume", "volume_size": 1, "boot_index": 0,
        "delete_on_termination": true,
    }]);
    world.volumes.fail(1);
    let id = tenant.create("no-volume", json!({ "imageRef": null, "block_device_mapping_v2": disks })).await;
    let server = becomes(&tenant.client, &id, "ERROR").await;
    assert!(fault(&server).1.to_lowercase().contains("volume"), "{server}");
    tenant.delete(&id).await;
    holds(&world, &nothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_damaged_or_lost_is_not_booted() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    let image = tenant.client.get(&format!("/image/v2/images/{}", tenant.image)).await.expect(200);
    let file = world.directory().join("images").join(image["os_hash_value"].as_str().unwrap());
    let bytes = std::fs::read(&file).unwrap();
    let mut damaged = bytes.clone();
    damaged[1000] ^= 1;
    for wrong in [Some(damaged), Some(bytes[..1000].to_vec()), None] {
        std::fs::remove_file(&file).unwrap_or_default();
        if let Some(wrong) = wrong {
            std::fs::write(&file, wrong).unwrap();
        }
        let id = tenant.create("damaged", json!({})).await;
        let server = becomes(&tenant.client, &id, "ERROR").await;
        assert!(fault(&server).1.to_lowercase().contains("image"), "{server}");
        tenant.delete(&id).await;
        holds(&world, &nothing).await;
    }
    std::fs::write(&file, bytes).unwrap();
    tenant.boot("mended", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_a_failed_boot_says_where_it_ended() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    world.network.fail(NetworkVerb::EnsurePort, u32::MAX);
    let id = tenant.create("half", json!({})).await;
    becomes(&tenant.client, &id, "ERROR").await;
    let path = format!("{SERVERS}/{id}/cloudbox-trace");
    let results = until("the trace", || async {
        let answer = tenant.client.get(&path).await.expect(200);
        let steps = answer["trace"]["steps"].as_array().unwrap().clone();
        let results: Vec<String> = steps.iter().map(|step| step["result"].as_str().unwrap().to_owned()).collect();
        if results[11] == "-" { Err(answer.to_string()) } else { Ok(results) }
    })
    .await;
    assert!(results[..11].iter().all(|result| result == "ok"), "{results:?}");
    assert!(results[11] != "ok" && results[12] == "ok" && results[15] == "-", "{results:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_valid_host_says_which_filter_left_how_many_and_what_was_missing() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    for (name, flavor, missing) in [
        ("ram", json!({ "ram": 1 << 30 }), "ram: 0 of 1 hosts left; wanted 1073741824 MB"),
        ("cpu", json!({ "vcpus": 100_000 }), "vcpu: 0 of 1 hosts left; wanted 100000"),
        ("disk", json!({ "disk": 1 << 30 }), "disk: 0 of 1 hosts left; wanted 1073741824 GB"),
    ] {
        let quota = json!({ "quota_set": { "ram": -1, "cores": -1 } });
        world.admin.put(&format!("/compute/v2.1/os-quota-sets/{}", tenant.client.project()), quota).await.expect(200);
        let flavor = scenery::flavor(&world, name, flavor).await;
        let before = held(&world).await;
        let id = tenant.create(name, json!({ "flavorRef": flavor })).await;
        let (code, message) = fault(&becomes(&tenant.client, &id, "ERROR").await);
        assert_eq!(code, 500, "{message}");
        assert!(message.starts_with("No valid host was found."), "{message}");
        assert!(message.contains(missing), "{message}");
        holds(&world, &before).await;
    }
    let nowhere = tenant.server("zone", json!({ "availability_zone": "mars" }));
    let message = tenant.client.post(SERVERS, nowhere).await.refusal(400);
    assert_eq!(message, "The requested availability zone is not available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_built_is_refused_at_once() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let before = held(&world).await;
    let raw = |extra: Value| {
        let mut body = json!({ "name": "i", "disk_format": "raw", "container_format": "bare" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let queued = id_of(&tenant.client.post("/image/v2/images", raw(json!({}))).await.expect(201));
    let min_disk = scenery::image_of(&tenant.client, raw(json!({ "min_disk": 20 })), raw_disk()).await;
    let min_ram = scenery::image_of(&tenant.client, raw(json!({ "min_ram": 4096 })), raw_disk()).await;
    let nobody = "7b7f6a52-0000-4000-8000-00000000dead";
    for (change, status, says) in [
        (json!({ "imageRef": queued }), 400, "not active"),
        (
            json!({ "imageRef": min_disk }),
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata",
        ),
        (json!({ "imageRef": min_ram }), 400, "Flavor's memory is too small for requested image"),
        (json!({ "imageRef": nobody }), 400, "image"),
        (json!({ "flavorRef": nobody }), 400, "Flavor"),
        (json!({ "networks": [{ "uuid": nobody }] }), 400, nobody),
        (json!({ "networks": [{ "port": nobody }] }), 400, nobody),
        (json!({ "key_name": "nokey" }), 400, "Invalid key_name"),
        (json!({ "security_groups": [{ "name": "nogroup" }] }), 400, "nogroup"),
        (json!({ "name": "x".repeat(256) }), 400, "name"),
        (json!({ "name": "" }), 400, "name"),
        (json!({ "min_count": 3, "max_count": 2 }), 400, "min_count"),
        (json!({ "user_data": "not base64!" }), 400, "base"),
        (json!({ "nonsense": 1 }), 400, "nonsense"),
        (json!({ "networks": "somewhere" }), 400, "networks"),
        (json!({ "metadata": { "k": "v".repeat(300) } }), 400, "is too long"),
        (json!({ "metadata": { "名": "v" } }), 400, "metadata"),
    ] {
        let answer = tenant.client.post(SERVERS, tenant.server("never", change.clone())).await;
        let message = answer.refusal(status);
        assert!(message.contains(says), "{change}: {message}");
    }
    assert_eq!(tenant.client.get(SERVERS).await.expect(200)["servers"], json!([]));
    holds(&world, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_racing_creates_never_pass_a_quota_of_ten() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let quota = format!("/compute/v2.1/os-quota-sets/{}", tenant.client.project());
    world.admin.put(&quota, json!({ "quota_set": { "instances": 10, "cores": -1, "ram": -1 } })).await.expect(200);
    let creates = (0..100).map(|number| {
        let body = tenant.server(&format!("s{number}"), json!({ "networks": "none" }));
        let client = tenant.client.speaking("compute 2.37");
        async move { client.post(SERVERS, body).await }
    });
    let answers = futures_util::future::join_all(creates).await;
    let made: Vec<String> =
        answers.iter().filter(|answer| answer.status == 202).map(|answer| id_of(&answer.json()["server"])).collect();
    assert_eq!(made.len(), 10);
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        let message = refused.refusal(403);
        assert_eq!(message, "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances");
    }
    for id in &made {
        becomes(&tenant.client, id, "ACTIVE").await;
    }
    assert_eq!(held(&world).await.guests.len(), 10);
    let limits = tenant.client.get("/compute/v2.1/limits").await.expect(200);
    let limits = &limits["limits"]["absolute"];
    assert_eq!((&limits["totalInstancesUsed"], &limits["maxTotalInstances"]), (&json!(10), &json!(10)));
    tenant.delete(&made[0]).await;
    tenant.boot("again", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_of_cores_and_memory_say_what_was_asked_and_what_is_left() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let path = format!("/compute/v2.1/os-quota-sets/{}", tenant.client.project());
    let big = scenery::flavor(&world, "big", json!({ "vcpus": 3, "ram": 128 })).await;
    world.admin.put(&path, json!({ "quota_set": { "cores": 2 } })).await.expect(200);
    let refused = tenant.client.post(SERVERS, tenant.server("s", json!({ "flavorRef": big }))).await;
    assert_eq!(refused.refusal(403), "Quota exceeded for cores: Requested 3, but already used 0 of 2 cores");
    world.admin.put(&path, json!({ "quota_set": { "cores": 20, "ram": 100 } })).await.expect(200);
    tenant.boot("one", json!({})).await;
    let refused = tenant.client.post(SERVERS, tenant.server("s", json!({}))).await;
    assert_eq!(refused.refusal(403), "Quota exceeded for ram: Requested 64, but already used 64 of 100 ram");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_can_be_deleted_while_it_is_built() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    world.guests.faults().plan(Verb::EnsureRunning, Misbehaviour::Hang, 1);
    let id = tenant.create("hanging", json!({})).await;
    until("the hypervisor to be asked", || async {
        let asked = world.guests.calls().iter().any(|(verb, _)| *verb == Verb::EnsureRunning);
        if asked { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    tenant.delete(&id).await;
    holds(&world, &nothing).await;

    world.network.delay(NetworkVerb::EnsurePort, Duration::from_millis(300));
    let id = tenant.create("wiring", json!({})).await;
    tenant.client.delete(&format!("{SERVERS}/{id}")).await.expect(204);
    gone(&tenant.client, &format!("{SERVERS}/{id}")).await;
    holds(&world, &nothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_others_cannot_be_used() {
    let world = World::start().await;
    let (alice, bob) = (Tenant::new(&world, "alice").await, Tenant::new(&world, "bob").await);
    let port = json!({ "port": { "network_id": bob.network } });
    let port = id_of(&bob.client.post("/network/v2.0/ports", port).await.expect(201)["port"]);
    let volume = bob.volume(json!({})).await;
    for change in [
        json!({ "imageRef": bob.image }),
        json!({ "networks": [{ "uuid": bob.network }] }),
        json!({ "networks": [{ "port": port }] }),
        json!({ "block_device_mapping_v2": [
            { "uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": 0 } ] }),
    ] {
        let answer = alice.client.post(SERVERS, alice.server("thief", change.clone())).await;
        assert!(matches!(answer.status, 400 | 404), "{change}: {} {}", answer.status, answer.text());
    }
    let server = bob.boot("bobs", json!({})).await;
    let path = format!("{SERVERS}/{server}");
    for answer in [
        alice.client.get(&path).await,
        alice.client.delete(&path).await,
        alice.client.put(&path, json!({ "server": { "name": "mine" } })).await,
        alice.client.post(&format!("{path}/action"), json!({ "os-stop": null })).await,
        alice.client.get(&format!("{path}/os-instance-actions")).await,
        alice.client.get(&format!("{path}/cloudbox-trace")).await,
        alice.client.post(&format!("{path}/action"), json!({ "os-getConsoleOutput": {} })).await,
    ] {
        let message = answer.refusal(404);
        assert_eq!(message, format!("Instance {server} could not be found."));
    }
    let reader = world.person_in(bob.client.project(), "reader", "reader").await;
    reader.get(&path).await.expect(200);
    reader.delete(&path).await.expect(403);
    reader.post(&format!("{path}/action"), json!({ "os-stop": null })).await.expect(403);
    reader.post(SERVERS, bob.server("readers", json!({}))).await.expect(403);
}
