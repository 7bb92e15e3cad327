//! What the administrator sees of the host: hypervisors, services, zones; and what a disabled service does.

use serde_json::json;

use crate::scenery::{Tenant, becomes};
use crate::world::{HOST, World, id_of, until};

const NOVA: &str = "/compute/v2.1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_shows_what_it_has_and_what_is_taken() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let hypervisor = || async {
        let list = world.admin.get(&format!("{NOVA}/os-hypervisors/detail")).await.expect(200);
        list["hypervisors"][0].clone()
    };
    let empty = hypervisor().await;
    assert_eq!(
        (&empty["hypervisor_hostname"], &empty["hypervisor_type"], &empty["state"], &empty["status"]),
        (&json!(HOST), &json!("fake"), &json!("up"), &json!("enabled"))
    );
    assert_eq!((&empty["vcpus"], &empty["vcpus_used"], &empty["running_vms"]), (&json!(64), &json!(0), &json!(0)));
    let id = tenant.boot("one", json!({})).await;
    until("the server to count", || async {
        let now = hypervisor().await;
        if (&now["vcpus_used"], &now["running_vms"]) == (&json!(1), &json!(1)) { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
    tenant.delete(&id).await;
    until("the server not to count", || async {
        let now = hypervisor().await;
        if now["vcpus_used"] == 0 { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
    let zones = tenant.client.get(&format!("{NOVA}/os-availability-zone")).await.expect(200);
    assert_eq!(
        zones["availabilityZoneInfo"][0],
        json!({ "zoneName": "nova", "zoneState": { "available": true }, "hosts": null })
    );
    for (path, key) in [("/volume/v3/os-services", "services"), ("/network/v2.0/agents", "agents")] {
        let list = world.admin.get(path).await.expect(200);
        assert!(list[key].as_array().is_some_and(|list| !list.is_empty()), "{path}: {list}");
        assert!(list.to_string().contains(HOST), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_host_takes_no_more_servers() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let admin = world.admin.speaking("compute 2.53");
    let services = admin.get(&format!("{NOVA}/os-services?binary=nova-compute")).await.expect(200);
    let path = format!("{NOVA}/os-services/{}", id_of(&services["services"][0]));
    admin.put(&path, json!({ "status": "disabled", "disabled_reason": "repair" })).await.expect(200);
    let refused = tenant.create("one", json!({})).await;
    let server = becomes(&tenant.client, &refused, "ERROR").await;
    let message = server["fault"]["message"].as_str().unwrap();
    assert!(message.starts_with("No valid host was found.") && message.contains("compute: 0 of 1"), "{message}");
    admin.put(&path, json!({ "status": "enabled" })).await.expect(200);
    tenant.boot("two", json!({})).await;
}
