//! The topic `network`: a server's ports from validation to their end, and hosts that missed something.

use std::time::Duration;

use bus::Target;
use bus::topics::compute_types::RequestedNetwork;
use bus::topics::network::{
    AllocateForInstance, BindPort, DeallocateForInstance, FindPortByAddress, GetInstanceNetworks, NetworkRequest,
    PortOwner, ValidateNetworks,
};
use kit::ids::{HostId, ServerId};
use kit::{FaultKind, RequestContext};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{member, world};

fn validation(requested: NetworkRequest) -> ValidateNetworks {
    ValidateNetworks { project_id: "project".into(), requested, security_groups: Vec::new(), servers: 1 }
}

#[tokio::test]
async fn a_servers_ports_are_made_bound_found_and_given_back() {
    let mut world = world().await;
    let agent = world.agent("host1").await;
    let (client, context) = (world.bus.client("compute"), member("good"));
    let (network, _) = world.network("10.0.0.0/24").await;
    let own = world.make("member", "/ports", "port", json!({"network_id": network, "name": "own"})).await;
    let asked = vec![
        RequestedNetwork { network_id: Some(network.as_str().into()), ..RequestedNetwork::default() },
        RequestedNetwork { port_id: Some(own["id"].as_str().unwrap().into()), ..RequestedNetwork::default() },
    ];
    let validated = client.call(&context, Target::Any, validation(NetworkRequest::These(asked))).await.unwrap();
    assert_eq!(validated.security_groups[0].name, "default");

    let server = ServerId::new("5b1cd1a4-2f0e-4b0e-8d0e-3c3b4a5d6e7f");
    let allocate = AllocateForInstance {
        server_id: server.clone(),
        project_id: "project".into(),
        host: HostId::new("host1"),
        availability_zone: "nova".to_owned(),
        hostname: "vm".to_owned(),
        networks: validated.networks,
        security_groups: validated.security_groups,
    };
    let vifs = client.call(&context, Target::Any, allocate.clone()).await.unwrap();
    assert_eq!(vifs.iter().map(|vif| vif.preserve_on_delete).collect::<Vec<_>>(), [false, true]);
    let again = client.call(&context, Target::Any, allocate).await.unwrap();
    assert_eq!(again, vifs, "asking again makes nothing twice");

    let bind = BindPort { port_id: vifs[0].port_id.clone(), server_id: server.clone(), host: HostId::new("host1") };
    let bound = client.call(&context, Target::Any, bind).await.unwrap();
    assert_eq!(bound.device.as_deref(), Some("tap0"));
    let wired = agent.wait("EnsurePort", |_| true).await;
    assert_eq!(wired["port"]["id"], json!(vifs[0].port_id));
    assert!(wired["network"]["service_port"]["mac"].is_string(), "a DHCP port was made for the host");
    assert_eq!(wired["security_groups"][0]["rules"].as_array().unwrap().len(), 4);
    let port = world.get("admin", &format!("/ports/{}", vifs[0].port_id)).await["port"].clone();
    assert_eq!((&port["status"], &port["binding:host_id"]), (&json!("ACTIVE"), &json!("host1")));
    assert_eq!(port["device_owner"], "compute:nova");

    let address = vifs[0].fixed_ips[0].address;
    let find = FindPortByAddress { network_id: network.as_str().into(), address };
    let owner = client.call(&context, Target::Any, find).await.unwrap();
    let wanted =
        PortOwner { port_id: vifs[0].port_id.clone(), server_id: server.clone(), project_id: "project".into() };
    assert_eq!(owner, Some(wanted));

    client.call(&context, Target::Any, DeallocateForInstance { server_id: server.clone() }).await.unwrap();
    agent.wait("RemovePort", |message| message["port_id"] == json!(vifs[0].port_id)).await;
    let left = client.call(&context, Target::Any, GetInstanceNetworks { server_id: server }).await.unwrap();
    assert_eq!(left, []);
    assert_eq!(world.call("member", "GET", &format!("/ports/{}", vifs[0].port_id), Value::Null).await.status, 404);
    let own = world.get("member", &format!("/ports/{}", own["id"].as_str().unwrap())).await;
    assert_eq!((&own["port"]["device_id"], &own["port"]["status"]), (&json!(""), &json!("DOWN")));
}

#[tokio::test]
async fn what_a_user_says_of_a_port_makes_it_nobody_elses() {
    let world = world().await;
    let (client, context) = (world.bus.client("compute"), RequestContext::service("compute"));
    let (network, subnet) = world.network("10.0.0.0/24").await;
    // A port that claims to be a server's is not one of its interfaces, nor does it get its metadata.
    let server = ServerId::new("5b1cd1a4-2f0e-4b0e-8d0e-3c3b4a5d6e7f");
    let body = json!({"network_id": network, "device_id": server, "device_owner": "compute:nova"});
    let port = world.make("member", "/ports", "port", body).await;
    let address = port["fixed_ips"][0]["ip_address"].as_str().unwrap().parse().unwrap();
    let find = FindPortByAddress { network_id: network.as_str().into(), address };
    assert_eq!(client.call(&context, Target::Any, find).await.unwrap(), None);
    let vifs = client.call(&context, Target::Any, GetInstanceNetworks { server_id: server }).await.unwrap();
    assert_eq!(vifs, []);
    // Nor can it become a leg of another project's router.
    let router = world.make("stranger", "/routers", "router", json!({})).await;
    let body = json!({"port": {
        "network_id": network, "device_id": router["id"], "device_owner": "network:router_interface",
        "fixed_ips": [{"subnet_id": subnet}],
    }});
    let refused = world.refused("member", "POST", "/ports", body).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "DeviceIDNotOwnedByTenant"));
}

#[tokio::test]
async fn the_callers_token_is_validated_again() {
    let world = world().await;
    let client = world.bus.client("compute");
    let message = || GetInstanceNetworks { server_id: "s".into() };
    let fault = client.call(&member("revoked"), Target::Any, message()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unauthorized);
    let fault = client.call(&RequestContext::anonymous(), Target::Any, message()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unauthorized);
}

#[tokio::test]
async fn without_a_word_about_networks_the_only_one_is_taken() {
    let world = world().await;
    let (client, context) = (world.bus.client("compute"), member("good"));
    let default = world.named("default").await;
    let auto = || validation(NetworkRequest::Auto);
    let validated = client.call(&context, Target::Any, auto()).await.unwrap();
    assert_eq!(validated.networks[0].network_id, Some(default.as_str().into()));
    let (own, _) = world.network("10.0.0.0/24").await;
    let validated = client.call(&context, Target::Any, auto()).await.unwrap();
    assert_eq!(validated.networks[0].network_id, Some(own.as_str().into()), "one's own goes before a shared one");
    world.network("10.1.0.0/24").await;
    let fault = client.call(&context, Target::Any, auto()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Conflict);
    let missing = RequestedNetwork { network_id: Some("nope".into()), ..RequestedNetwork::default() };
    let fault = client.call(&context, Target::Any, validation(NetworkRequest::These(vec![missing]))).await.unwrap_err();
    assert_eq!((fault.kind(), fault.message()), (FaultKind::BadRequest, "Network nope could not be found."));
}

#[tokio::test]
async fn a_rule_reaches_the_host_at_once() {
    let mut world = world().await;
    let agent = world.agent("host1").await;
    let (network, _) = world.network("10.0.0.0/24").await;
    let body = json!({"network_id": network, "binding:host_id": "host1"});
    let port = world.make("admin", "/ports", "port", body).await;
    let group = &port["security_groups"][0];
    let rule = json!({"security_group_id": group, "direction": "ingress", "protocol": "icmp"});
    world.make("admin", "/security-group-rules", "security_group_rule", rule).await;
    let told = agent.wait("EnsureSecurityGroup", |message| message["security_group"]["id"] == *group).await;
    assert_eq!(told["security_group"]["rules"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_host_that_could_not_be_told_is_sent_everything() {
    let mut world = world().await;
    // Registered once, then gone: what happens now cannot be told.
    world.register("host1", true).await;
    let (network, _) = world.network("10.0.0.0/24").await;
    let port = world.make("admin", "/ports", "port", json!({"network_id": network, "binding:host_id": "host1"})).await;
    let path = format!("/networks/{network}");
    assert_eq!(world.call("member", "PUT", &path, json!({"network": {"mtu": 1400}})).await.status, 200);
    let stale = world.store.read(crate::db::agents::stale).await.unwrap();
    assert_eq!(stale, [HostId::new("host1")], "{port}");
    world.register("host1", false).await;
    assert_eq!(world.store.read(crate::db::agents::stale).await.unwrap(), stale, "a heartbeat makes up for nothing");
    // It is there again, without having said so.
    let heard = world.agent_unannounced("host1");
    let stop = CancellationToken::new();
    let running = tokio::spawn(world.service.clone().run(stop.clone()));
    let sync = heard.wait("SyncHost", |message| !message["state"]["networks"].as_array().unwrap().is_empty()).await;
    assert_eq!(sync["state"]["networks"][0]["mtu"], 1400);
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}
