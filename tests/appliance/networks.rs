//! Networks, subnets, ports, routers and security groups, down to what the host is told.

use serde_json::{Value, json};

use crate::scenery::{self, SERVERS, Tenant, becomes};
use crate::world::{World, id_of, until};

const V2: &str = "/network/v2.0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_cloud_has_a_network_to_the_outside() {
    let world = World::start().await;
    let networks = world.admin.get(&format!("{V2}/networks")).await.expect(200);
    let mut names: Vec<&str> =
        networks["networks"].as_array().unwrap().iter().map(|network| network["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["default", "public"]);
    let image = scenery::image(&world.admin, "disk").await;
    let flavor = scenery::flavor(&world, "small", json!({})).await;
    let server = json!({ "server": { "name": "plain", "imageRef": image, "flavorRef": flavor } });
    let id = id_of(&world.admin.post(SERVERS, server).await.expect(202)["server"]);
    let server = becomes(&world.admin, &id, "ACTIVE").await;
    assert_eq!(server["addresses"]["default"].as_array().map(Vec::len), Some(1), "the only network it can have");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_joins_subnets_and_reaches_the_host() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let (client, server) = (&tenant.client, tenant.boot("one", json!({})).await);
    let public = client.get(&format!("{V2}/networks?router:external=true")).await.expect(200);
    let gateway = json!({ "network_id": id_of(&public["networks"][0]) });
    let router = json!({ "router": { "name": "r", "external_gateway_info": gateway } });
    let router = id_of(&client.post(&format!("{V2}/routers"), router).await.expect(201)["router"]);
    let subnets = client.get(&format!("{V2}/subnets?network_id={}", tenant.network)).await.expect(200);
    let interface = json!({ "subnet_id": id_of(&subnets["subnets"][0]) });
    client.put(&format!("{V2}/routers/{router}/add_router_interface"), interface.clone()).await.expect(200);
    until("the host to have the router", || async {
        let state = world.network.state();
        let there = state.routers.keys().any(|id| id.as_str() == router);
        if there { Ok(()) } else { Err(format!("{:?}", state.routers.keys())) }
    })
    .await;
    client.delete(&format!("{V2}/routers/{router}")).await.expect(409);
    client.delete(&format!("{V2}/subnets/{}", id_of(&subnets["subnets"][0]))).await.expect(409);
    client.put(&format!("{V2}/routers/{router}/remove_router_interface"), interface).await.expect(200);
    client.delete(&format!("{V2}/routers/{router}")).await.expect(204);
    client.delete(&format!("{V2}/networks/{}", tenant.network)).await.expect(409);
    tenant.delete(&server).await;
    client.delete(&format!("{V2}/networks/{}", tenant.network)).await.expect(204);
    until("the host to forget the network", || async {
        let state = world.network.state();
        let left = state.networks.keys().any(|id| id.as_str() == tenant.network);
        if !left && state.routers.is_empty() {
            Ok(())
        } else {
            Err(format!("{:?} {:?}", state.networks, state.routers))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_of_a_group_reaches_the_host_at_once() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let (client, id) = (&tenant.client, tenant.boot("one", json!({})).await);
    let groups = client.get(&format!("{SERVERS}/{id}/os-security-groups")).await.expect(200);
    assert_eq!(groups["security_groups"][0]["name"], "default");
    let group = id_of(&groups["security_groups"][0]);
    let rules = || {
        let state = world.network.state();
        state.groups.iter().find(|(id, _)| id.as_str() == group).map_or(0, |(_, spec)| spec.rules.len())
    };
    let before = rules();
    assert!(before >= 2, "what leaves, and what the group's members send each other");
    let rule = json!({ "security_group_rule": {
        "security_group_id": group, "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
    } });
    let rule = client.post(&format!("{V2}/security-group-rules"), rule.clone()).await.expect(201);
    until("the host to have the rule", || async {
        if rules() == before + 1 { Ok(()) } else { Err(rules().to_string()) }
    })
    .await;
    let path = format!("{V2}/security-group-rules/{}", id_of(&rule["security_group_rule"]));
    client.delete(&path).await.expect(204);
    until("the host to lose the rule", || async { if rules() == before { Ok(()) } else { Err(rules().to_string()) } })
        .await;
    client.delete(&format!("{V2}/security-groups/{group}")).await.expect(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_given_out_once_and_taken_back() {
    let world = World::start().await;
    let client = world.member("alice").await;
    let (network, subnet) = scenery::network(&client, "10.1.0.0/29").await;
    let ask = |fixed: Value| {
        let mut port = json!({ "port": { "network_id": network } });
        if !fixed.is_null() {
            port["port"]["fixed_ips"] = fixed;
        }
        let client = client.clone();
        async move { client.post(&format!("{V2}/ports"), port).await }
    };
    let answers = futures_util::future::join_all((0..8).map(|_| ask(Value::Null))).await;
    let mut given: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["port"]["fixed_ips"][0]["ip_address"].as_str().unwrap().to_owned())
        .collect();
    given.sort();
    given.dedup();
    let full = answers.iter().find(|answer| answer.status != 201).unwrap();
    assert_eq!(full.expect(409)["NeutronError"]["type"], "IpAddressGenerationFailure");
    assert_eq!(
        given.len(),
        answers.iter().filter(|answer| answer.status == 201).count(),
        "no address twice: {given:?}"
    );
    let taken = ask(json!([{ "subnet_id": subnet, "ip_address": given[0] }])).await;
    assert_eq!(taken.expect(409)["NeutronError"]["type"], "IpAddressAlreadyAllocated");
    let outside = ask(json!([{ "subnet_id": subnet, "ip_address": "10.2.0.1" }])).await;
    assert_eq!(outside.expect(400)["NeutronError"]["type"], "InvalidIpForSubnet");
    let first = answers.iter().find(|answer| answer.status == 201).unwrap().json();
    client.delete(&format!("{V2}/ports/{}", id_of(&first["port"]))).await.expect(204);
    ask(Value::Null).await.expect(201);
}
