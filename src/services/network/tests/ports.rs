//! Ports as their users make and change them.

use serde_json::{Value, json};

use super::world;

/// The attributes of a port on the reference.
const PORT_KEYS: &[&str] = &[
    "admin_state_up",
    "allowed_address_pairs",
    "binding:host_id",
    "binding:profile",
    "binding:vif_details",
    "binding:vif_type",
    "binding:vnic_type",
    "created_at",
    "data_plane_status",
    "description",
    "device_id",
    "device_owner",
    "dns_assignment",
    "dns_name",
    "extra_dhcp_opts",
    "fixed_ips",
    "id",
    "ip_allocation",
    "mac_address",
    "name",
    "network_id",
    "port_security_enabled",
    "project_id",
    "propagate_uplink_status",
    "qos_network_policy_id",
    "qos_policy_id",
    "resource_request",
    "revision_number",
    "security_groups",
    "status",
    "tags",
    "tenant_id",
    "updated_at",
];

#[tokio::test]
async fn a_port_gets_what_it_asks_for_or_is_told_why_not() {
    let world = world().await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    let fixed = |ip: &str| json!({"port": {"network_id": network, "fixed_ips": [{"ip_address": ip}]}});
    let port = world.make("member", "/ports", "port", fixed("10.0.0.77")["port"].clone()).await;
    assert_eq!(port["fixed_ips"], json!([{"subnet_id": subnet, "ip_address": "10.0.0.77"}]));
    assert_eq!((&port["status"], &port["binding:vnic_type"]), (&json!("DOWN"), &json!("normal")));
    assert!(port.get("binding:host_id").is_none(), "a member does not see the host");
    let seen = world.get("admin", &format!("/ports/{}", port["id"].as_str().unwrap())).await;
    let keys: Vec<&str> = seen["port"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, PORT_KEYS);
    assert_eq!(port["dns_assignment"][0]["fqdn"], "host-10-0-0-77.openstacklocal.");
    let refused = world.refused("member", "POST", "/ports", fixed("10.0.0.77")).await;
    let text = format!("IP address 10.0.0.77 already allocated in subnet {subnet}");
    assert_eq!(refused, (409, "IpAddressAlreadyAllocated".to_owned(), text));
    let refused = world.refused("member", "POST", "/ports", fixed("10.1.0.1")).await;
    assert_eq!((refused.0, refused.1.as_str()), (400, "InvalidIpForNetwork"));
    let refused = world.refused("member", "POST", "/ports", fixed("10.0.0.255")).await;
    assert_eq!((refused.0, refused.1.as_str()), (400, "InvalidIpForSubnet"));
    let mac = json!({"port": {"network_id": network, "mac_address": port["mac_address"]}});
    assert_eq!(world.refused("member", "POST", "/ports", mac).await.1, "MacAddressInUse");
}

#[tokio::test]
async fn addresses_and_groups_can_be_changed() {
    let world = world().await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    let port = world.make("member", "/ports", "port", json!({"network_id": network})).await;
    let path = format!("/ports/{}", port["id"].as_str().unwrap());
    assert_eq!(port["security_groups"].as_array().unwrap().len(), 1, "the default group");
    let kept = port["fixed_ips"][0]["ip_address"].clone();
    let change = json!({"port": {"fixed_ips": [{"ip_address": kept}, {"subnet_id": subnet}], "security_groups": []}});
    let answer = world.call("member", "PUT", &path, change).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let changed = answer.json()["port"].clone();
    assert_eq!(changed["fixed_ips"].as_array().unwrap().len(), 2);
    assert_eq!((&changed["fixed_ips"][0]["ip_address"], &changed["security_groups"]), (&kept, &json!([])));
    assert_eq!(world.get("member", &path).await["port"]["fixed_ips"], changed["fixed_ips"]);
    let found = world.get("member", &format!("/ports?fixed_ips=ip_address={}&fields=id", kept.as_str().unwrap())).await;
    assert_eq!(found, json!({"ports": [{"id": port["id"]}]}));
}

#[tokio::test]
async fn groups_need_port_security() {
    let world = world().await;
    let (network, _) = world.network("10.0.0.0/24").await;
    let port = world.make("member", "/ports", "port", json!({"network_id": network})).await;
    let path = format!("/ports/{}", port["id"].as_str().unwrap());
    let refused = world.refused("member", "PUT", &path, json!({"port": {"port_security_enabled": false}})).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "PortSecurityPortHasSecurityGroup"));
    let off = json!({"port": {"port_security_enabled": false, "security_groups": []}});
    assert_eq!(world.call("member", "PUT", &path, off).await.status, 200);
    let pairs = json!({"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.99"}]}});
    assert_eq!(world.refused("member", "PUT", &path, pairs).await.1, "AddressPairAndPortSecurityRequired");
}

#[tokio::test]
async fn on_anothers_network_nobody_chooses_addresses() {
    let world = world().await;
    let network = world.named("default").await;
    let body = json!({"port": {"network_id": network, "fixed_ips": [{"ip_address": "10.20.0.50"}]}});
    let refused = world.refused("member", "POST", "/ports", body).await;
    assert_eq!(refused.2, "(rule:create_port and rule:create_port:fixed_ips:ip_address) is disallowed by policy");
    let body = json!({"port": {"network_id": network, "device_owner": "network:dhcp"}});
    assert_eq!(world.refused("member", "POST", "/ports", body).await.0, 403);
}

/// Prints how fast ports are made one by one and listed a thousand at once; holds that the list is whole.
#[tokio::test]
async fn a_thousand_ports_are_made_and_listed() {
    let world = world().await;
    let (network, _) = world.network("10.0.0.0/20").await;
    world.call("admin", "PUT", "/quotas/project", json!({"quota": {"port": -1}})).await;
    for _ in 0..8 {
        let ports = vec![json!({"network_id": network}); 100];
        let answer = world.call("member", "POST", "/ports", json!({"ports": ports})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let started = std::time::Instant::now();
    for _ in 0..200 {
        world.make("member", "/ports", "port", json!({"network_id": network})).await;
    }
    println!("making 200 ports one by one took {:?}", started.elapsed());
    let started = std::time::Instant::now();
    let answer = world.call("member", "GET", "/ports", Value::Null).await;
    println!("listing 1,000 ports took {:?}", started.elapsed());
    assert_eq!(answer.json()["ports"].as_array().unwrap().len(), 1000);
}
