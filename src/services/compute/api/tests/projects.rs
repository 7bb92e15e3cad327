//! Quotas, limits, groups, and the cloud's hosts and services.

use serde_json::{Value, json};

use super::fixture::{Fixture, message, server};

#[tokio::test]
async fn quotas_are_the_defaults_until_they_are_set() {
    let cloud = Fixture::new().await;
    let path = "/os-quota-sets/project";
    let shown = cloud.get("member", 1, path).await["quota_set"].clone();
    insta::assert_snapshot!(shown, @r#"{"cores":20,"fixed_ips":-1,"floating_ips":-1,"id":"project","injected_file_content_bytes":10240,"injected_file_path_bytes":255,"injected_files":5,"instances":10,"key_pairs":100,"metadata_items":128,"ram":51200,"security_group_rules":-1,"security_groups":-1,"server_group_members":10,"server_groups":10}"#);
    let shown = cloud.get("member", 57, path).await["quota_set"].clone();
    insta::assert_snapshot!(shown, @r#"{"cores":20,"id":"project","instances":10,"key_pairs":100,"metadata_items":128,"ram":51200,"server_group_members":10,"server_groups":10}"#);
    let set = cloud.send("admin", 1, "PUT", path, json!({ "quota_set": { "instances": 0 } })).await;
    assert_eq!((set.status, set.json()["quota_set"]["instances"].clone()), (200, json!(0)));
    assert!(set.json()["quota_set"].get("id").is_none());
    assert_eq!(cloud.get("member", 1, &format!("{path}/defaults")).await["quota_set"]["instances"], 10);
    assert_eq!(cloud.send("admin", 1, "DELETE", path, Value::Null).await.status, 202);
    assert_eq!(cloud.get("member", 1, path).await["quota_set"]["instances"], 10);
    assert_eq!(cloud.send("other", 1, "GET", path, Value::Null).await.status, 403);
    assert_eq!(cloud.member("PUT", path, json!({ "quota_set": {} })).await.status, 403);
}

#[tokio::test]
async fn usage_shows_in_limits_and_details() {
    let cloud = Fixture::new().await;
    cloud.boot("a").await;
    let limits = cloud.get("member", 1, "/limits").await["limits"]["absolute"].clone();
    assert_eq!(
        (&limits["totalInstancesUsed"], &limits["totalRAMUsed"], &limits["maxTotalCores"]),
        (&json!(1), &json!(192), &json!(20))
    );
    assert!(cloud.get("member", 57, "/limits").await["limits"]["absolute"].get("maxPersonality").is_none());
    let detail = cloud.get("member", 1, "/os-quota-sets/project/detail").await["quota_set"]["cores"].clone();
    assert_eq!(detail, json!({ "limit": 20, "in_use": 1, "reserved": 0 }));
    let below =
        cloud.send("admin", 1, "PUT", "/os-quota-sets/project", json!({ "quota_set": { "instances": 0 } })).await;
    let text = "Quota limit 0 for instances must be greater than or equal to already used and reserved 1.";
    assert_eq!(message(&below), (400, text.into()));
}

#[tokio::test]
async fn groups_have_members() {
    let cloud = Fixture::new().await;
    let body = json!({ "server_group": { "name": "g", "policies": ["anti-affinity"] } });
    let made = cloud.member("POST", "/os-server-groups", body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let group = made.json()["server_group"].clone();
    assert_eq!(
        (&group["policies"], &group["metadata"], group.get("policy")),
        (&json!(["anti-affinity"]), &json!({}), None)
    );
    let id = group["id"].as_str().unwrap();
    let mut boot = server("a");
    boot["os:scheduler_hints"] = json!({ "group": id });
    let server = cloud.member("POST", "/servers", boot).await.json()["server"]["id"].clone();
    let path = format!("/os-server-groups/{id}");
    let shown = cloud.get("member", 64, &path).await["server_group"].clone();
    assert_eq!(
        (&shown["members"], &shown["policy"], &shown["rules"]),
        (&json!([server]), &json!("anti-affinity"), &json!({}))
    );
    let shown = cloud.get("member", 71, &format!("/servers/{}", server.as_str().unwrap())).await;
    assert_eq!(shown["server"]["server_groups"], json!([id]));
    assert_eq!(cloud.send("other", 1, "GET", &path, Value::Null).await.status, 404);
    assert_eq!(cloud.get("other", 1, "/os-server-groups").await["server_groups"], json!([]));
    assert_eq!(cloud.member("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(
        message(&cloud.member("GET", &path, Value::Null).await),
        (404, format!("Instance group {id} could not be found."))
    );
}

#[tokio::test]
async fn hosts_show_as_hypervisors_services_and_zones() {
    let cloud = Fixture::new().await;
    cloud.boot("a").await;
    let old = cloud.get("admin", 1, "/os-hypervisors/detail").await["hypervisors"][0].clone();
    assert_eq!(
        (&old["id"], &old["vcpus_used"], &old["free_ram_mb"], &old["cpu_info"]),
        (&json!(1), &json!(1), &json!(8000), &json!("{}"))
    );
    let new = cloud.get("admin", 104, "/os-hypervisors/detail").await["hypervisors"][0].clone();
    insta::assert_snapshot!(new, @r#"{"host_ip":"127.0.0.1","hypervisor_hostname":"h1","hypervisor_type":"fake","hypervisor_version":1000,"id":"u1","service":{"disabled_reason":null,"host":"h1","id":"s1"},"state":"up","status":"enabled","uptime":null}"#);
    assert_eq!(cloud.member("GET", "/os-hypervisors", Value::Null).await.status, 403);
    assert_eq!(
        cloud.get("admin", 53, "/os-hypervisors/u1?with_servers=1").await["hypervisor"]["servers"][0]["name"],
        "instance-00000001"
    );
    let services = cloud.get("admin", 1, "/os-services?binary=nova-compute").await["services"][0].clone();
    assert_eq!((&services["state"], &services["zone"]), (&json!("up"), &json!("nova")));
    let body = json!({ "status": "disabled", "disabled_reason": "mending" });
    let disabled = cloud.send("admin", 53, "PUT", "/os-services/s1", body).await;
    assert_eq!(disabled.json()["service"]["disabled_reason"], "mending", "{}", disabled.text());
    let zones = cloud.get("member", 1, "/os-availability-zone").await;
    assert_eq!(
        zones,
        json!({ "availabilityZoneInfo": [{ "zoneName": "nova", "zoneState": { "available": false }, "hosts": null }] })
    );
    let body = json!({ "host": "h1", "binary": "nova-compute" });
    assert_eq!(cloud.send("admin", 1, "PUT", "/os-services/enable", body).await.json()["service"]["status"], "enabled");
    cloud.clock.advance(std::time::Duration::from_secs(90));
    assert_eq!(cloud.get("admin", 1, "/os-hypervisors").await["hypervisors"][0]["state"], "down");
    let zones = cloud.get("admin", 1, "/os-availability-zone/detail").await["availabilityZoneInfo"].clone();
    assert_eq!(zones[1]["hosts"]["h1"]["nova-compute"]["available"], false);
    assert_eq!(cloud.get("member", 1, "/extensions/os-flavor-access").await["extension"]["name"], "FlavorAccess");
}
