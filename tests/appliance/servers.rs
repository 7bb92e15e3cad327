//! Servers from create to delete, through every service and agent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::scenery::{SERVERS, Tenant, becomes, held, holds};
use crate::world::{HOST, World, id_of, until};

/// The steps of a boot as its trace has them.
async fn trace(tenant: &Tenant, server: &str) -> Vec<Value> {
    let path = format!("{SERVERS}/{server}/cloudbox-trace");
    until("the trace to be complete", || async {
        let answer = tenant.client.get(&path).await.expect(200);
        let steps = answer["trace"]["steps"].as_array().unwrap().clone();
        if steps.last().is_some_and(|step| step["result"] != "-") { Ok(steps) } else { Err(answer.to_string()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_boots_runs_and_leaves_nothing() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let nothing = held(&world).await;
    let id = tenant.boot("one", json!({})).await;
    let shown = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200);
    let shown = &shown["server"];
    assert_eq!((&shown["OS-EXT-STS:vm_state"], &shown["OS-EXT-STS:power_state"]), (&json!("active"), &json!(1)));
    assert_eq!(shown["OS-EXT-AZ:availability_zone"], "nova");
    let address = &shown["addresses"]["net"][0];
    assert!(address["addr"].as_str().unwrap().starts_with("192.168.7."), "{address}");
    assert_eq!(address["OS-EXT-IPS:type"], "fixed");
    let host = world.admin.get(&format!("{SERVERS}/{id}")).await.expect(200);
    assert_eq!(host["server"]["OS-EXT-SRV-ATTR:host"], HOST);
    let running = held(&world).await;
    assert_eq!((running.guests.len(), running.wired, running.ports.len()), (1, 1, 1));
    assert_eq!(running.taken.0, nothing.taken.0 + 1);
    let spec = world.guests.runs_with(&id.as_str().into()).unwrap();
    assert_eq!(spec.interfaces[0].mac, address["OS-EXT-IPS-MAC:mac_addr"].as_str().unwrap());
    assert_eq!((spec.vcpus, spec.memory_mb), (1, 64));
    tenant.delete(&id).await;
    holds(&world, &nothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_shows_all_sixteen_steps_in_order() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let volume = tenant.volume(json!({})).await;
    let disks = json!([
        { "uuid": tenant.image, "source_type": "image", "destination_type": "local", "boot_index": 0 },
        { "uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": -1 },
    ]);
    let id = tenant.boot("traced", json!({ "block_device_mapping_v2": disks })).await;
    let steps = trace(&tenant, &id).await;
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, (1..=16).map(|number| format!("B{number}")).collect::<Vec<_>>());
    for step in &steps {
        assert_eq!(step["result"], "ok", "{step}");
        assert!(step["micros"].as_u64().is_some() && step["started_at"].is_string(), "{step}");
    }
    let began =
        |name: &str| steps.iter().find(|step| step["step"] == name).unwrap()["started_at"].as_str().unwrap().to_owned();
    for pair in ["B1", "B2", "B4", "B5", "B8", "B10", "B16"].windows(2) {
        assert!(began(pair[0]) <= began(pair[1]), "{pair:?}");
    }
    for (inner, outer) in [("B3", "B2"), ("B11", "B10"), ("B13", "B12"), ("B15", "B14")] {
        assert!(began(outer) <= began(inner), "{inner} in {outer}");
    }
    let kinds: Vec<&str> = steps.iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[4], kinds[6], kinds[15]), ("rest", "call", "cast", "local"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_are_made_at_once() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let counts = json!({ "min_count": 2, "max_count": 3, "return_reservation_id": true });
    let reservation = tenant.client.post(SERVERS, tenant.server("many", counts)).await.expect(202);
    let reservation = reservation["reservation_id"].as_str().unwrap().to_owned();
    let list = tenant.client.get(&format!("{SERVERS}/detail?reservation_id={reservation}")).await.expect(200);
    let list = list["servers"].as_array().unwrap();
    let mut names: Vec<&str> = list.iter().map(|server| server["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["many-1", "many-2", "many-3"]);
    for server in list {
        becomes(&tenant.client, &id_of(server), "ACTIVE").await;
    }
    let addresses: BTreeSet<String> = held(&world).await.ports;
    assert_eq!(addresses.len(), 3);
    let quota = format!("/compute/v2.1/os-quota-sets/{}", tenant.client.project());
    world.admin.put(&quota, json!({ "quota_set": { "instances": 5 } })).await.expect(200);
    let most = tenant.server("most", json!({ "min_count": 1, "max_count": 10 }));
    tenant.client.post(SERVERS, most).await.expect(202);
    let all = tenant.client.get(SERVERS).await.expect(200);
    assert_eq!(all["servers"].as_array().map(Vec::len), Some(5), "as many as the quota leaves");
    let least = tenant.server("least", json!({ "min_count": 2, "max_count": 10 }));
    tenant.client.post(SERVERS, least).await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_takes_the_port_key_group_and_address_that_it_is_given() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let group = json!({ "security_group": { "name": "web" } });
    let group = id_of(&tenant.client.post("/network/v2.0/security-groups", group).await.expect(201)["security_group"]);
    let port = json!({ "port": { "network_id": tenant.network, "security_groups": [group] } });
    let port = tenant.client.post("/network/v2.0/ports", port).await.expect(201)["port"].take();
    let key = json!({ "keypair": { "name": "mine" } });
    tenant.client.post("/compute/v2.1/os-keypairs", key).await.expect(200);
    let networks = json!([{ "port": id_of(&port) }, { "uuid": tenant.network, "fixed_ip": "192.168.7.77" }]);
    let more = json!({ "networks": networks, "key_name": "mine", "security_groups": [{ "name": "web" }], "config_drive": true });
    let id = tenant.boot("given", more).await;
    let shown = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200)["server"].take();
    assert_eq!((&shown["key_name"], &shown["config_drive"]), (&json!("mine"), &json!("True")));
    let addresses: Vec<&str> =
        shown["addresses"]["net"].as_array().unwrap().iter().map(|a| a["addr"].as_str().unwrap()).collect();
    assert_eq!(addresses, [port["fixed_ips"][0]["ip_address"].as_str().unwrap(), "192.168.7.77"]);
    let bound = tenant.client.get(&format!("/network/v2.0/ports/{}", id_of(&port))).await.expect(200)["port"].take();
    assert_eq!((&bound["device_id"], &bound["status"]), (&json!(id), &json!("ACTIVE")));
    let busy = tenant.server("thief", json!({ "networks": [{ "port": id_of(&port) }] }));
    let refused = tenant.client.post(SERVERS, busy).await;
    assert!(matches!(refused.status, 400 | 409) && refused.text().contains("in use"), "{}", refused.text());
    let taken = tenant.server("taken", json!({ "networks": [{ "uuid": tenant.network, "fixed_ip": "192.168.7.77" }] }));
    let taken = tenant.client.post(SERVERS, taken).await;
    assert_eq!(taken.status, 400, "{}", taken.text());
    let outside = tenant.server("outside", json!({ "networks": [{ "uuid": tenant.network, "fixed_ip": "10.9.9.9" }] }));
    let outside = tenant.client.post(SERVERS, outside).await;
    assert_eq!(outside.status, 400, "{}", outside.text());
    tenant.delete(&id).await;
    let kept = tenant.client.get(&format!("/network/v2.0/ports/{}", id_of(&port))).await.expect(200)["port"].take();
    assert_eq!((&kept["device_id"], &kept["status"]), (&json!(""), &json!("DOWN")), "it was there before, and stays");
    let left = held(&world).await;
    assert_eq!((left.ports.len(), left.wired), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_in_any_language_are_kept() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    for name in ["Bücherregal", "サーバー", "🦀 crab", "a'b\"c\\d", &"ü".repeat(255)] {
        let id = tenant.boot(name, json!({ "metadata": { "name": "値" } })).await;
        let shown = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200)["server"].take();
        assert_eq!((&shown["name"], &shown["metadata"]), (&json!(name), &json!({ "name": "値" })));
        let hostname = world.admin.get(&format!("{SERVERS}/{id}")).await.expect(200)["server"].take();
        assert!(hostname["OS-EXT-SRV-ATTR:instance_name"].as_str().unwrap().starts_with("instance-"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_fifty_is_built_and_deleted_without_a_trace() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let quota = format!("/compute/v2.1/os-quota-sets/{}", tenant.client.project());
    world.admin.put(&quota, json!({ "quota_set": { "instances": -1, "cores": -1, "ram": -1 } })).await.expect(200);
    let nothing = held(&world).await;
    let names: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    let ids = futures_util::future::join_all(names.iter().map(|name| tenant.boot(name, json!({})))).await;
    let running = held(&world).await;
    assert_eq!((running.guests.len(), running.ports.len(), running.wired), (50, 50, 50));
    let page = tenant.client.get(&format!("{SERVERS}?limit=20")).await.expect(200);
    assert_eq!(page["servers"].as_array().map(Vec::len), Some(20));
    let next = page["servers_links"][0]["href"].as_str().unwrap();
    let rest = tenant.client.get(next).await.expect(200);
    assert_eq!(rest["servers"].as_array().map(Vec::len), Some(20));
    futures_util::future::join_all(ids.iter().map(|id| tenant.delete(id))).await;
    holds(&world, &nothing).await;
}
