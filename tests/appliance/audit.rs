//! The audit trail of a whole cloud: what is in it, and what is not.

use serde_json::{Value, json};

use crate::client::Client;
use crate::scenery::{SERVERS, Tenant};
use crate::world::{PASSWORD, World, admin_password, until};

/// The trail, once `enough` is in it.
async fn trail(world: &World, query: &str, enough: usize) -> Vec<Value> {
    until("the records to be written", || async {
        let events = events(&world.admin, query).await;
        if events.len() >= enough { Ok(events) } else { Err(format!("{} records", events.len())) }
    })
    .await
}

async fn events(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/cloudbox/v1/audit?{query}")).await.expect(200)["events"].as_array().unwrap().clone()
}

fn line(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let (action, code, name) = (text("/action"), text("/reason/reasonCode"), text("/initiator/name"));
    format!("{action} {code} by {name} on {} {}", text("/target/typeURI"), text("/target/name"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_what_to_what_is_known_and_no_secret_is() {
    let world = World::start_with(|config| config.audit.file = config.data_dir.0.join("audit.json")).await;
    let tenant = Tenant::new(&world, "alice").await;
    let server = tenant.boot("one", json!({ "user_data": "aHVudGVyMg==", "adminPass": "hunter2" })).await;
    let user = json!({ "name": "alice", "domain": { "id": "default" }, "password": "hunter2" });
    world.anonymous().ask_for_token(&user, None).await.expect(401);
    let nobody = json!({ "name": "nobody", "domain": { "id": "default" }, "password": "hunter2" });
    world.anonymous().ask_for_token(&nobody, None).await.expect(401);
    let refused = tenant.client.delete(&format!("/identity/v3/users/{}", world.admin.user())).await;
    refused.expect(403);
    let stranger = world.member("bob").await;
    stranger.delete(&format!("{SERVERS}/{server}")).await.expect(404);

    let failed = trail(&world, "outcome=failure", 4).await;
    insta::assert_snapshot!(failed.iter().rev().map(line).collect::<Vec<_>>().join("\n"), @r"
    authenticate 401 by alice on service/identity/auth/tokens -
    authenticate 401 by nobody on service/identity/auth/tokens -
    delete 403 by alice on service/identity/users -
    delete 404 by bob on service/compute/servers -
    ");
    let request = refused.header("X-Openstack-Request-Id").unwrap();
    let found = trail(&world, &format!("request_id={request}"), 1).await;
    assert_eq!(found[0]["initiator"]["id"], tenant.client.user());
    assert_eq!(found[0]["initiator"]["project_id"], tenant.client.project());
    assert_eq!(found[0]["initiator"]["host"]["address"], "127.0.0.1");
    assert_eq!(found[0]["target"]["id"], world.admin.user());
    assert_eq!(found[0]["observer"]["name"], "keystone");
    let created = trail(&world, &format!("target={server}&action=create"), 1).await;
    assert_eq!(created[0]["initiator"]["name"], "alice");
    let logins = trail(&world, "action=authenticate&outcome=success&user=alice", 1).await;
    assert_eq!(logins[0]["initiator"]["id"], tenant.client.user());

    let all = trail(&world, "limit=1000", 10).await;
    let mut world = world;
    let password = admin_password(&world.directory());
    let tokens = [&world.admin, &tenant.client, &stranger].map(|client| client.token.clone().unwrap());
    world.stop().await;
    let file = std::fs::read_to_string(world.directory().join("audit.json")).unwrap();
    assert!(file.lines().count() >= all.len());
    let database = std::fs::read(world.directory().join("cloudbox.db")).unwrap();
    assert!(contains(&database, b"service/identity/auth/tokens"), "the trail is in it");
    for secret in [PASSWORD, "hunter2", "aHVudGVyMg", &password].into_iter().chain(tokens.iter().map(String::as_str)) {
        assert!(!file.contains(secret), "{secret} is in the file");
        assert!(!Value::from(all.clone()).to_string().contains(secret), "{secret} is in the table");
    }
    for secret in tokens.iter().map(String::as_str).chain([PASSWORD, &password]) {
        assert!(!contains(&database, secret.as_bytes()), "{secret} is in the database");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_every_service_is_recorded() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let services: Vec<String> = trail(&world, "limit=1000&outcome=success", 8)
        .await
        .iter()
        .map(|event| event["observer"]["name"].as_str().unwrap().to_owned())
        .collect();
    for service in ["keystone", "glance", "nova", "neutron"] {
        assert!(services.iter().any(|found| found == service), "nothing of {service}");
    }
    let volumes = trail(&world, &format!("target={volume}"), 1).await;
    assert_eq!(volumes[0]["target"]["typeURI"], "service/block-storage/volumes");
    let before = events(&world.admin, "limit=1000").await.len();
    tenant.client.get("/network/v2.0/networks").await.expect(200);
    tenant.client.get(SERVERS).await.expect(200);
    tenant.client.delete("/network/v2.0/networks/none").await.expect(404);
    let after = trail(&world, "limit=1000", before + 1).await;
    assert_eq!(after.len(), before + 1, "what only asks is not recorded");
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
