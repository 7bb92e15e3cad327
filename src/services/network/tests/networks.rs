//! Networks and subnets, and what all lists have in common.

use serde_json::{Value, json};

use super::world;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The attributes of a network on the reference.
const NETWORK_KEYS: &[&str] = &[
    "admin_state_up",
    "availability_zone_hints",
    "availability_zones",
    "created_at",
    "description",
    "dns_domain",
    "id",
    "ipv4_address_scope",
    "ipv6_address_scope",
    "is_default",
    "l2_adjacency",
    "mtu",
    "name",
    "port_security_enabled",
    "project_id",
    "provider:network_type",
    "provider:physical_network",
    "provider:segmentation_id",
    "qinq",
    "qos_policy_id",
    "revision_number",
    "router:external",
    "shared",
    "status",
    "subnets",
    "tags",
    "tenant_id",
    "updated_at",
    "vlan_transparent",
];

/// The attributes of a subnet on the reference.
const SUBNET_KEYS: &[&str] = &[
    "allocation_pools",
    "cidr",
    "created_at",
    "description",
    "dns_nameservers",
    "enable_dhcp",
    "gateway_ip",
    "host_routes",
    "id",
    "ip_version",
    "ipv6_address_mode",
    "ipv6_ra_mode",
    "name",
    "network_id",
    "project_id",
    "revision_number",
    "router:external",
    "segment_id",
    "service_types",
    "subnetpool_id",
    "tags",
    "tenant_id",
    "updated_at",
];

#[tokio::test]
async fn views_have_the_references_attributes() {
    let world = world().await;
    let network = world.make("admin", "/networks", "network", json!({"name": "a"})).await;
    assert_eq!(keys(&network), NETWORK_KEYS);
    assert_eq!((&network["status"], &network["revision_number"]), (&json!("ACTIVE"), &json!(1)));
    let network = world.make("member", "/networks", "network", json!({"name": "a"})).await;
    assert!(!keys(&network).iter().any(|key| key.starts_with("provider:")), "a member does not see these");
    let body = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.1.0.0/28"});
    let subnet = world.make("member", "/subnets", "subnet", body).await;
    assert_eq!(keys(&subnet), SUBNET_KEYS);
    assert_eq!(subnet["gateway_ip"], "10.1.0.1");
    assert_eq!(subnet["allocation_pools"], json!([{"start": "10.1.0.2", "end": "10.1.0.14"}]));
}

#[tokio::test]
async fn the_first_start_makes_two_networks_once() {
    let world = world().await;
    world.service.bootstrap(&"admin-project".into()).await.unwrap();
    let networks =
        world.get("member", "/networks?sort_key=name&fields=name&fields=shared&fields=router:external").await;
    assert_eq!(
        networks["networks"],
        json!([
            {"name": "default", "shared": true, "router:external": false},
            {"name": "public", "shared": false, "router:external": true},
        ])
    );
}

#[tokio::test]
async fn another_projects_things_do_not_exist() {
    let world = world().await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    for (method, body) in [("GET", Value::Null), ("PUT", json!({"network": {"name": "b"}})), ("DELETE", Value::Null)] {
        let refused = world.refused("stranger", method, &format!("/networks/{network}"), body).await;
        assert_eq!(refused, (404, "NetworkNotFound".to_owned(), format!("Network {network} could not be found.")));
    }
    let refused = world.refused("stranger", "GET", &format!("/subnets/{subnet}"), Value::Null).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "SubnetNotFound"));
    // What is shared is seen and used, not changed.
    let shared = world.named("default").await;
    let refused =
        world.refused("member", "PUT", &format!("/networks/{shared}"), json!({"network": {"name": "b"}})).await;
    assert_eq!((refused.0, refused.2.as_str()), (403, "rule:update_network is disallowed by policy"));
    let body = json!({"subnet": {"network_id": shared, "ip_version": 4, "cidr": "10.9.0.0/24"}});
    assert_eq!(world.refused("member", "POST", "/subnets", body).await.0, 403);
    world.make("member", "/ports", "port", json!({"network_id": shared})).await;
}

#[tokio::test]
async fn what_only_administrators_may_set_is_forbidden() {
    let world = world().await;
    let body = json!({"network": {"name": "a", "provider:network_type": "vxlan"}});
    let refused = world.refused("member", "POST", "/networks", body.clone()).await;
    let text = "(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy";
    assert_eq!(refused, (403, "PolicyNotAuthorized".to_owned(), text.to_owned()));
    let network = world.make("admin", "/networks", "network", body["network"].clone()).await;
    assert_eq!((&network["provider:segmentation_id"], &network["mtu"]), (&json!(1), &json!(1450)));
    assert_eq!(world.refused("reader", "POST", "/networks", json!({"network": {}})).await.0, 403);
}

#[tokio::test]
async fn bodies_and_filters_are_validated() {
    let world = world().await;
    let refused = world.refused("member", "POST", "/networks", json!({"network": {"bogus": 1}})).await;
    assert_eq!(refused, (400, "HTTPBadRequest".to_owned(), "Unrecognized attribute(s) 'bogus'".to_owned()));
    let refused = world.refused("member", "GET", "/networks?bogus=1", Value::Null).await;
    assert_eq!(refused, (400, "HTTPBadRequest".to_owned(), "['bogus'] is invalid attribute for filtering".to_owned()));
    let (network, _) = world.network("10.0.0.0/24").await;
    let overlapping = json!({"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.0.0.128/25"}});
    let refused = world.refused("member", "POST", "/subnets", overlapping).await;
    let text = format!(
        "Invalid input for operation: Requested subnet with cidr: 10.0.0.128/25 for network: {network} overlaps with another subnet."
    );
    assert_eq!(refused, (400, "InvalidInput".to_owned(), text));
}

#[tokio::test]
async fn a_network_in_use_stays_and_an_unused_one_goes_with_its_subnets() {
    let world = world().await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    let port = world.make("member", "/ports", "port", json!({"network_id": network})).await;
    let port = port["id"].as_str().unwrap();
    let refused = world.refused("member", "DELETE", &format!("/networks/{network}"), Value::Null).await;
    let text = format!(
        "Unable to complete operation on network {network}. There are one or more ports still in use on the network, id for these ports is: {port}."
    );
    assert_eq!(refused, (409, "NetworkInUse".to_owned(), text));
    let refused = world.refused("member", "DELETE", &format!("/subnets/{subnet}"), Value::Null).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "SubnetInUse"));
    assert_eq!(world.call("member", "DELETE", &format!("/ports/{port}"), Value::Null).await.status, 204);
    assert_eq!(world.call("member", "DELETE", &format!("/networks/{network}"), Value::Null).await.status, 204);
    assert_eq!(world.call("member", "GET", &format!("/subnets/{subnet}"), Value::Null).await.status, 404);
}

#[tokio::test]
async fn pages_follow_each_other_both_ways() {
    let world = world().await;
    for name in ["a", "b", "c", "d"] {
        world.make("member", "/networks", "network", json!({"name": name})).await;
    }
    let names = |page: &Value| -> Vec<String> {
        page["networks"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap().to_owned()).collect()
    };
    let path = |href: &Value| href.as_str().unwrap().strip_prefix("http://cloud.test/network/v2.0").unwrap().to_owned();
    let first = world.get("member", "/networks?sort_key=name&limit=2&project_id=project").await;
    assert_eq!(names(&first), ["a", "b"]);
    let second = world.get("member", &path(&first["networks_links"][0]["href"])).await;
    assert_eq!(names(&second), ["c", "d"]);
    let links = second["networks_links"].as_array().unwrap();
    let previous = links.iter().find(|link| link["rel"] == "previous").unwrap();
    assert_eq!(names(&world.get("member", &path(&previous["href"])).await), ["a", "b"]);
    let several = world.get("member", "/networks?name=a&name=d&sort_key=name&sort_dir=desc&fields=name").await;
    assert_eq!(several, json!({"networks": [{"name": "d"}, {"name": "a"}]}));
    // An unknown marker is not looked at where there is no limit.
    let all = world.get("member", "/networks?marker=11111111-1111-1111-1111-111111111111&admin_state_up=True").await;
    assert_eq!(all["networks"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn the_root_extensions_and_quotas_answer() {
    let world = world().await;
    let root = world.get("member", "/").await;
    assert!(root["resources"].as_array().unwrap().iter().any(|resource| resource["collection"] == "networks"));
    let extension = world.get("member", "/extensions/router").await;
    assert_eq!(extension["extension"]["alias"], "router");
    assert_eq!(world.refused("member", "GET", "/extensions/nope", Value::Null).await.0, 404);
    let quota = world.get("member", "/quotas/project").await;
    assert_eq!(quota["quota"]["network"], 500);
    assert_eq!(world.refused("member", "GET", "/quotas/elsewhere", Value::Null).await.0, 403);
    let answer = world.call("admin", "PUT", "/quotas/project", json!({"quota": {"network": 0}})).await;
    assert_eq!((answer.status, &answer.json()["quota"]["network"]), (200, &json!(0)));
    let refused = world.refused("member", "POST", "/networks", json!({"network": {}})).await;
    assert_eq!(refused, (409, "OverQuota".to_owned(), "Quota exceeded for resources: ['network'].".to_owned()));
    assert_eq!(world.call("admin", "DELETE", "/quotas/project", Value::Null).await.status, 204);
    assert_eq!(world.call("admin", "DELETE", "/quotas/project", Value::Null).await.status, 404);
}

#[tokio::test]
async fn an_external_network_is_seen_by_all_but_its_subnets_are_not() {
    let world = world().await;
    let public = world.named("public").await;
    let networks = world.get("member", "/networks?router:external=true").await;
    assert_eq!(networks["networks"].as_array().unwrap().len(), 1);
    let subnets = world.get("member", &format!("/subnets?network_id={public}")).await;
    assert_eq!(subnets["subnets"], json!([]));
    let subnets = world.get("admin", &format!("/subnets?network_id={public}")).await;
    assert_eq!(subnets["subnets"].as_array().unwrap().len(), 1);
}
