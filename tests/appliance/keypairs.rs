//! Key pairs: whose they are, and that they reach the guest.

use kit::ids::ServerId;
use serde_json::json;

use crate::scenery::{SERVERS, Tenant};
use crate::world::World;

const KEYPAIRS: &str = "/compute/v2.1/os-keypairs";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqfK4c8lGYyT0m0h3rXvYwZ0p0cWqk4g2d0u9yQmE5x alice@example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_user_data_are_on_the_config_drive() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let key = json!({ "keypair": { "name": "mine", "public_key": KEY } });
    let made = tenant.client.post(KEYPAIRS, key).await.expect(200);
    assert!(made["keypair"].get("private_key").is_none(), "only made ones have it");
    let more = json!({ "key_name": "mine", "config_drive": true, "user_data": "I2Nsb3VkLWNvbmZpZwo=", "metadata": { "role": "web" } });
    let id = tenant.boot("web-1", more).await;
    let spec = world.guests.runs_with(&ServerId::new(&id)).unwrap();
    let drives: Vec<Vec<u8>> = spec.disks.iter().filter_map(|disk| std::fs::read(&disk.path).ok()).collect();
    let drive = drives
        .iter()
        .map(|bytes| String::from_utf8_lossy(bytes))
        .find(|text| text.contains("CONFIG-2") || text.contains("config-2"));
    let drive = drive.expect("a config drive");
    for wanted in [KEY, "#cloud-config", "web-1", &id, "\"role\":\"web\""] {
        assert!(drive.contains(wanted), "{wanted} is not on the config drive");
    }
    tenant.client.delete(&format!("{KEYPAIRS}/mine")).await.expect(202);
    let shown = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200);
    assert_eq!(shown["server"]["key_name"], "mine", "the server keeps its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_their_users_and_not_their_projects() {
    let world = World::start().await;
    let alice = world.member("alice").await;
    let bob = world.person_in(alice.project(), "bob", "member").await;
    alice.post(KEYPAIRS, json!({ "keypair": { "name": "mine" } })).await.expect(200);
    assert_eq!(alice.get(KEYPAIRS).await.expect(200)["keypairs"].as_array().map(Vec::len), Some(1));
    assert_eq!(bob.get(KEYPAIRS).await.expect(200)["keypairs"], json!([]));
    bob.get(&format!("{KEYPAIRS}/mine")).await.expect(404);
    bob.delete(&format!("{KEYPAIRS}/mine")).await.expect(404);
    bob.post(KEYPAIRS, json!({ "keypair": { "name": "mine" } })).await.expect(200);
    alice.post(KEYPAIRS, json!({ "keypair": { "name": "mine" } })).await.expect(409);
    for nonsense in ["ssh-rsa nonsense", "", "-----BEGIN PRIVATE KEY-----"] {
        let body = json!({ "keypair": { "name": "bad", "public_key": nonsense } });
        alice.post(KEYPAIRS, body).await.expect(400);
    }
}
