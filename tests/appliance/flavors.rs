//! Flavors: who may use them, and that servers keep theirs.

use serde_json::{Value, json};

use crate::scenery::{self, SERVERS, Tenant, becomes};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_flavor_is_for_whom_it_was_given_to() {
    let world = World::start().await;
    let (alice, bob) = (Tenant::new(&world, "alice").await, Tenant::new(&world, "bob").await);
    let flavor = scenery::flavor(&world, "private", json!({ "os-flavor-access:is_public": false })).await;
    let path = format!("/compute/v2.1/flavors/{flavor}");
    let access = json!({ "addTenantAccess": { "tenant": alice.client.project() } });
    world.admin.post(&format!("{path}/action"), access).await.expect(200);
    alice.client.get(&path).await.expect(200);
    bob.client.get(&path).await.expect(404);
    let listed = bob.client.get("/compute/v2.1/flavors").await.expect(200);
    assert!(!listed.to_string().contains(&flavor));
    alice.boot("one", json!({ "flavorRef": flavor })).await;
    let refused = bob.client.post(SERVERS, bob.server("one", json!({ "flavorRef": flavor }))).await;
    assert!(refused.refusal(400).contains("Flavor"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_keeps_the_flavor_that_it_was_made_with() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let flavor = scenery::flavor(&world, "passing", json!({ "swap": 64, "OS-FLV-EXT-DATA:ephemeral": 1 })).await;
    let id = tenant.boot("one", json!({ "flavorRef": flavor })).await;
    world.admin.delete(&format!("/compute/v2.1/flavors/{flavor}")).await.expect(202);
    tenant.client.get(&format!("/compute/v2.1/flavors/{flavor}")).await.expect(404);
    tenant.act(&id, json!({ "reboot": { "type": "HARD" } })).await;
    becomes(&tenant.client, &id, "ACTIVE").await;
    let shown = tenant.client.speaking("compute 2.47").get(&format!("{SERVERS}/{id}")).await.expect(200);
    let kept = &shown["server"]["flavor"];
    assert_eq!(
        (&kept["original_name"], &kept["swap"], &kept["ephemeral"], kept.get("id")),
        (&json!("passing"), &json!(64), &json!(1), None::<&Value>)
    );
}
