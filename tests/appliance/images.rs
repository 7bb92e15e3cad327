//! Images: from the upload to the guests that boot from them.

use hyper::Method;
use serde_json::json;

use crate::scenery::{self, SERVERS, Tenant, becomes, held, holds};
use crate::world::{World, id_of, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_come_back_as_they_went_in() {
    let world = World::start().await;
    let alice = world.member("alice").await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let body = json!({ "name": "noise", "disk_format": "raw", "container_format": "bare" });
    let id = scenery::image_of(&alice, body, bytes.clone()).await;
    let path = format!("/image/v2/images/{id}");
    let shown = alice.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["size"], &shown["owner"]),
        (&json!("active"), &json!(3_000_000), &json!(alice.project()))
    );
    assert_eq!(
        (shown["os_hash_algo"].as_str(), shown["os_hash_value"].as_str().map(str::len)),
        (Some("sha512"), Some(128))
    );
    assert_eq!(shown["visibility"], "shared");
    let answer = alice.get(&format!("{path}/file")).await;
    assert_eq!(answer.expect_bytes(200), bytes);
    assert_eq!(answer.header("Content-Md5"), shown["checksum"].as_str());
    alice.delete(&path).await.expect(204);
    alice.get(&path).await.expect(404);
    alice.get(&format!("{path}/file")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_an_image_must_be_what_was_said() {
    let world = World::start().await;
    let alice = world.member("alice").await;
    let mut backed = vec![0; 65_536];
    backed[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    backed[8..16].copy_from_slice(&512_u64.to_be_bytes());
    backed[16..20].copy_from_slice(&11_u32.to_be_bytes());
    backed[512..523].copy_from_slice(b"/etc/shadow");
    for (format, bytes) in [("qcow2", vec![7; 4096]), ("raw", backed.clone()), ("qcow2", backed)] {
        let body = json!({ "name": "liar", "disk_format": format, "container_format": "bare" });
        let id = id_of(&alice.post("/image/v2/images", body).await.expect(201));
        let upload = alice.call(Method::PUT, &format!("/image/v2/images/{id}/file"));
        let answer = upload.bytes("application/octet-stream", bytes).send().await;
        assert!(matches!(answer.status, 400 | 415), "{format}: {} {}", answer.status, answer.text());
        assert_eq!(alice.get(&format!("/image/v2/images/{id}")).await.expect(200)["status"], "queued");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_and_the_administrator_change_an_image() {
    let world = World::start().await;
    let (alice, bob) = (world.member("alice").await, world.member("bob").await);
    let id = scenery::image(&alice, "mine").await;
    let path = format!("/image/v2/images/{id}");
    bob.get(&path).await.expect(404);
    bob.delete(&path).await.expect(404);
    let patch = |value: &str| json!([{ "op": "replace", "path": "/visibility", "value": value }]);
    let media = "application/openstack-images-v2.1-json-patch";
    let change = |client: &crate::client::Client, value: &str| {
        let (client, body, path) = (client.clone(), patch(value).to_string(), path.clone());
        async move { client.call(Method::PATCH, &path).bytes(media, body).send().await }
    };
    change(&alice, "public").await.expect(403);
    change(&world.admin, "public").await.expect(200);
    bob.get(&path).await.expect(200);
    bob.delete(&path).await.expect(403);
    change(&bob, "private").await.expect(403);
    bob.put(&format!("{path}/tags/nice"), serde_json::Value::Null).await.expect(403);
    alice.put(&format!("{path}/tags/nice"), serde_json::Value::Null).await.expect(204);
    assert_eq!(bob.get("/image/v2/images?tag=nice").await.expect(200)["images"][0]["id"], json!(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_outlive_their_image_and_share_one_copy_of_it() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let ids = [tenant.boot("one", json!({})).await, tenant.boot("two", json!({})).await];
    let cached = || std::fs::read_dir(world.directory().join("image-cache")).map_or(0, Iterator::count);
    let one = cached();
    assert!(one >= 1, "{:?}", std::fs::read_dir(world.directory()).unwrap().collect::<Vec<_>>());
    tenant.client.delete(&format!("/image/v2/images/{}", tenant.image)).await.expect(204);
    for id in &ids {
        tenant.act(id, json!({ "reboot": { "type": "HARD" } })).await;
        becomes(&tenant.client, id, "ACTIVE").await;
    }
    assert_eq!(cached(), one);
    let refused = tenant.client.post(SERVERS, tenant.server("three", json!({}))).await;
    assert!(refused.refusal(400).contains("image"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_may_go_while_a_guest_is_made_of_it() {
    let world = World::start().await;
    let mut tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    let cache = world.directory().join("image-cache");
    let cached = || std::fs::read_dir(&cache).map_or(0, Iterator::count);
    tenant.client.delete(&format!("/image/v2/images/{}", tenant.image)).await.expect(204);
    for (round, early) in [true, false].into_iter().cycle().take(6).enumerate() {
        let body = json!({ "name": "short-lived", "disk_format": "raw", "container_format": "bare" });
        // Other bytes each time: the host has none of them.
        let bytes = (0..16 << 18_u32).flat_map(|n: u32| (n ^ round as u32).wrapping_mul(2_654_435_761).to_be_bytes());
        tenant.image = scenery::image_of(&tenant.client, body, bytes.collect()).await;
        let before = cached();
        let id = tenant.create("web", json!({})).await;
        if !early {
            // The host has begun to take it.
            until("the image to be fetched", || async {
                if cached() > before { Ok(()) } else { Err("not yet".to_owned()) }
            })
            .await;
        }
        tenant.client.delete(&format!("/image/v2/images/{}", tenant.image)).await.expect(204);
        let path = format!("{SERVERS}/{id}");
        let server = until("the server to settle", || async {
            let server = tenant.client.get(&path).await.expect(200)["server"].take();
            if server["status"] == "BUILD" { Err(server.to_string()) } else { Ok(server) }
        })
        .await;
        if server["status"] == "ACTIVE" {
            tenant.act(&id, json!({ "reboot": { "type": "HARD" } })).await;
            becomes(&tenant.client, &id, "ACTIVE").await;
        } else {
            let message = server["fault"]["message"].as_str().unwrap().to_lowercase();
            assert!(message.contains("image"), "{server:#}");
        }
        tenant.delete(&id).await;
        holds(&world, &nothing).await;
        let store = std::fs::read_dir(world.directory().join("images")).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(store.filter(|path| path.is_file()).count(), 0, "the store keeps no bytes of it");
        let drafts = std::fs::read_dir(&cache)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "part"));
        assert_eq!(drafts.count(), 0, "nor the host a half of it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_image_boots_for_its_members() {
    let world = World::start().await;
    let mut tenant = Tenant::new(&world, "alice").await;
    let bob = world.member("bob").await;
    tenant.image = scenery::image(&bob, "bob's").await;
    let refused = tenant.client.post(SERVERS, tenant.server("early", json!({}))).await;
    assert!(refused.refusal(400).contains("image"), "{}", refused.text());
    let members = format!("/image/v2/images/{}/members", tenant.image);
    bob.post(&members, json!({ "member": tenant.client.project() })).await.expect(200);
    tenant.boot("shared", json!({})).await;
    bob.delete(&format!("{members}/{}", tenant.client.project())).await.expect(204);
    tenant.client.post(SERVERS, tenant.server("late", json!({}))).await.refusal(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_of_images_are_unified_limits() {
    let world = World::start().await;
    let alice = world.member("alice").await;
    let services = world.admin.get("/identity/v3/services?type=image").await.expect(200);
    let service = services["services"][0]["id"].clone();
    let limit =
        |name: &str, value: i64| json!({ "service_id": service, "resource_name": name, "default_limit": value });
    let limits = json!({ "registered_limits": [limit("image_count_total", 1), limit("image_size_total", 5)] });
    world.admin.post("/identity/v3/registered_limits", limits).await.expect(201);
    let id = scenery::image(&alice, "one").await;
    let said = alice.post("/image/v2/images", json!({ "name": "two" })).await.refusal(413);
    assert!(said.contains("image_count_total"), "{said}");
    let usage = alice.get("/image/v2/info/usage").await.expect(200);
    assert_eq!(usage["usage"]["image_count_total"], json!({ "usage": 1, "limit": 1 }));
    let own = json!({ "limits": [{
        "service_id": service, "resource_name": "image_count_total", "resource_limit": 2, "project_id": alice.project(),
    }] });
    world.admin.post("/identity/v3/limits", own).await.expect(201);
    alice.post("/image/v2/images", json!({ "name": "two" })).await.expect(201);
    alice.delete(&format!("/image/v2/images/{id}")).await.expect(204);
    alice.post("/image/v2/images", json!({ "name": "three" })).await.expect(201);
}
