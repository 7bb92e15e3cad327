//! Server groups: what their policies do to where servers go.

use serde_json::{Value, json};

use crate::scenery::{SERVERS, Tenant, becomes};
use crate::world::{World, id_of};

async fn group(tenant: &Tenant, policy: &str) -> String {
    let body = json!({ "server_group": { "name": policy, "policies": [policy] } });
    id_of(&tenant.client.post("/compute/v2.1/os-server-groups", body).await.expect(200)["server_group"])
}

async fn create(tenant: &Tenant, name: &str, group: &str) -> String {
    let mut body = tenant.server(name, Value::Null);
    body["os:scheduler_hints"] = json!({ "group": group });
    id_of(&tenant.client.post(SERVERS, body).await.expect(202)["server"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_avoid_each_other_do_not_share_the_only_host() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let apart = group(&tenant, "anti-affinity").await;
    let first = create(&tenant, "first", &apart).await;
    becomes(&tenant.client, &first, "ACTIVE").await;
    let second = create(&tenant, "second", &apart).await;
    let server = becomes(&tenant.client, &second, "ERROR").await;
    let message = server["fault"]["message"].as_str().unwrap();
    assert!(message.starts_with("No valid host was found.") && message.contains("group"), "{message}");
    let shown = tenant.client.get(&format!("/compute/v2.1/os-server-groups/{apart}")).await.expect(200);
    assert_eq!(shown["server_group"]["members"].as_array().map(Vec::len), Some(2));
    tenant.delete(&first).await;
    tenant.delete(&second).await;
    let third = create(&tenant, "third", &apart).await;
    becomes(&tenant.client, &third, "ACTIVE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_want_to_be_together_are() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    for policy in ["affinity", "soft-anti-affinity"] {
        let version = tenant.client.speaking("compute 2.15");
        let body = json!({ "server_group": { "name": policy, "policies": [policy] } });
        let together = id_of(&version.post("/compute/v2.1/os-server-groups", body).await.expect(200)["server_group"]);
        for name in ["first", "second"] {
            let id = create(&tenant, name, &together).await;
            becomes(&tenant.client, &id, "ACTIVE").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_members_never_share_a_host() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let apart = group(&tenant, "anti-affinity").await;
    let names: Vec<String> = (0..8).map(|number| format!("s{number}")).collect();
    let ids = futures_util::future::join_all(names.iter().map(|name| create(&tenant, name, &apart))).await;
    let mut active = 0;
    for id in ids {
        let settled = crate::world::until("the server to be settled", || async {
            let server = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200)["server"].take();
            let status = server["status"].as_str().unwrap().to_owned();
            if status == "BUILD" { Err(server.to_string()) } else { Ok(status) }
        });
        active += usize::from(settled.await == "ACTIVE");
    }
    assert_eq!(active, 1);
}
