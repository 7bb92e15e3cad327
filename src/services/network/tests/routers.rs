//! Routers, their legs and gateways, and what their host hears of it.

use serde_json::{Value, json};

use super::{world, world_with};

#[tokio::test]
async fn a_router_joins_a_subnet_to_the_outside() {
    let mut world = world().await;
    let agent = world.agent("host1").await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    let public = world.named("public").await;
    let body = json!({"name": "r", "external_gateway_info": {"network_id": public}});
    let router = world.make("member", "/routers", "router", body).await;
    let info = &router["external_gateway_info"];
    assert_eq!((&info["network_id"], &info["enable_snat"]), (&json!(public), &json!(true)));
    assert_eq!(info["external_fixed_ips"][0]["ip_address"], "172.24.4.2");
    let id = router["id"].as_str().unwrap();
    let add = format!("/routers/{id}/add_router_interface");
    let added = world.call("member", "PUT", &add, json!({"subnet_id": subnet})).await;
    assert_eq!(added.status, 200, "{}", added.text());
    let added = added.json();
    assert_eq!((&added["id"], &added["subnet_ids"]), (&json!(id), &json!([subnet])));

    let told =
        agent.wait("EnsureRouter", |message| !message["router"]["interfaces"].as_array().unwrap().is_empty()).await;
    let leg = &told["router"]["interfaces"][0];
    assert_eq!(leg["addresses"][0]["address"], "10.0.0.1/24");
    assert_eq!(told["router"]["gateway"]["nexthops"], json!(["172.24.4.1"]));
    let gateways: Vec<&Value> =
        told["networks"].as_array().unwrap().iter().map(|network| &network["gateway"]).collect();
    assert!(gateways.contains(&&json!("host")) && gateways.contains(&&json!("router")));

    let refused = world.refused("member", "PUT", &add, json!({"subnet_id": subnet})).await;
    let text = format!("Bad router request: Router already has a port on subnet {subnet}.");
    assert_eq!(refused, (400, "BadRequest".to_owned(), text));
    let refused = world.refused("member", "DELETE", &format!("/routers/{id}"), Value::Null).await;
    assert_eq!(refused, (409, "RouterInUse".to_owned(), format!("Router {id} still has ports")));
    let port = format!("/ports/{}", added["port_id"].as_str().unwrap());
    let refused = world.refused("member", "DELETE", &port, Value::Null).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "ServicePortInUse"));

    let remove = format!("/routers/{id}/remove_router_interface");
    assert_eq!(world.call("member", "PUT", &remove, json!({"subnet_id": subnet})).await.status, 200);
    let refused = world.refused("member", "PUT", &remove, json!({"subnet_id": subnet})).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "RouterInterfaceNotFoundForSubnet"));
    assert_eq!(world.call("member", "DELETE", &format!("/routers/{id}"), Value::Null).await.status, 204);
    agent.wait("RemoveRouter", |message| message["router_id"] == id).await;
    assert_eq!(world.call("member", "DELETE", &format!("/networks/{network}"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn the_external_network_may_be_the_lan() {
    let lan = kit::config::NetworkConfig {
        external_cidr: "192.168.1.0/24".to_owned(),
        external_interface: "eth0".to_owned(),
        external_gateway: "192.168.1.1".to_owned(),
        external_range: "192.168.1.200-220".to_owned(),
        ..kit::config::NetworkConfig::default()
    };
    let mut world = world_with(lan).await;
    let agent = world.agent("host1").await;
    let public = world.named("public").await;
    let shown = world.get("admin", &format!("/networks/{public}")).await["network"].clone();
    assert_eq!(shown["provider:network_type"], "flat");
    assert_eq!(shown["provider:physical_network"], "external");
    let subnet = shown["subnets"][0].as_str().unwrap();
    let subnet = world.get("admin", &format!("/subnets/{subnet}")).await["subnet"].clone();
    assert_eq!((&subnet["gateway_ip"], &subnet["enable_dhcp"]), (&json!("192.168.1.1"), &json!(false)));
    assert_eq!(subnet["allocation_pools"], json!([{"start": "192.168.1.200", "end": "192.168.1.220"}]));
    let body = json!({"name": "r", "external_gateway_info": {"network_id": public}});
    let router = world.make("member", "/routers", "router", body).await;
    assert_eq!(router["external_gateway_info"]["external_fixed_ips"][0]["ip_address"], "192.168.1.200");
    let told = agent.wait("EnsureRouter", |message| !message["router"]["gateway"].is_null()).await;
    assert_eq!(told["networks"][0]["gateway"], "lan");
    assert_eq!(told["router"]["gateway"]["nexthops"], json!(["192.168.1.1"]));
}

#[tokio::test]
async fn a_router_made_before_there_is_a_host_is_carried_by_the_first() {
    let world = world().await;
    let (_, subnet) = world.network("10.0.0.0/24").await;
    let router = world.make("member", "/routers", "router", json!({"name": "r"})).await;
    let id = router["id"].as_str().unwrap();
    let add = format!("/routers/{id}/add_router_interface");
    assert_eq!(world.call("member", "PUT", &add, json!({"subnet_id": subnet})).await.status, 200);
    let state = world.register("host1", true).await;
    assert_eq!(state.routers.len(), 1);
    assert_eq!(state.routers[0].interfaces.len(), 1);
    assert_eq!(state.networks.len(), 1, "the network that the router is on");
}

#[tokio::test]
async fn routes_lead_to_connected_routers() {
    let world = world().await;
    let (_, subnet) = world.network("10.0.0.0/24").await;
    let router = world.make("member", "/routers", "router", json!({})).await;
    let path = format!("/routers/{}", router["id"].as_str().unwrap());
    let routes = json!({"router": {"routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}]}});
    let refused = world.refused("member", "PUT", &path, routes.clone()).await;
    let text = "Invalid format for routes: [{'destination': '10.9.0.0/16', 'nexthop': '10.0.0.9'}], the nexthop is not connected with router";
    assert_eq!(refused, (400, "InvalidRoutes".to_owned(), text.to_owned()));
    world.call("member", "PUT", &format!("{path}/add_router_interface"), json!({"subnet_id": subnet})).await;
    assert_eq!(world.call("member", "PUT", &path, routes).await.status, 200);
    let remove =
        world.refused("member", "PUT", &format!("{path}/remove_router_interface"), json!({"subnet_id": subnet})).await;
    assert_eq!((remove.0, remove.1.as_str()), (409, "RouterInterfaceInUseByRoute"));
}

#[tokio::test]
async fn a_floating_ip_leads_to_a_port_behind_the_router() {
    let mut world = world().await;
    let agent = world.agent("host1").await;
    let (network, subnet) = world.network("10.0.0.0/24").await;
    let public = world.named("public").await;
    let port = world.make("member", "/ports", "port", json!({"network_id": network})).await;
    let floating = world.make("member", "/floatingips", "floatingip", json!({"floating_network_id": public})).await;
    assert_eq!((&floating["status"], &floating["port_id"]), (&json!("DOWN"), &Value::Null));
    let path = format!("/floatingips/{}", floating["id"].as_str().unwrap());
    let lead = json!({"floatingip": {"port_id": port["id"]}});
    let refused = world.refused("member", "PUT", &path, lead.clone()).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "ExternalGatewayForFloatingIPNotFound"));

    let body = json!({"external_gateway_info": {"network_id": public}});
    let router = world.make("member", "/routers", "router", body).await;
    let router = format!("/routers/{}", router["id"].as_str().unwrap());
    world.call("member", "PUT", &format!("{router}/add_router_interface"), json!({"subnet_id": subnet})).await;
    let answer = world.call("member", "PUT", &path, lead).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["floatingip"]["fixed_ip_address"], port["fixed_ips"][0]["ip_address"]);
    let told = agent.wait("EnsureRouter", |message| message["router"]["floating_ips"] != json!([])).await;
    let address = &told["router"]["floating_ips"][0]["floating_ip_address"];
    assert_eq!(*address, floating["floating_ip_address"]);

    let refused = world.refused("member", "PUT", &router, json!({"router": {"external_gateway_info": null}})).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "RouterExternalGatewayInUseByFloatingIp"));
    let remove = format!("{router}/remove_router_interface");
    let refused = world.refused("member", "PUT", &remove, json!({"subnet_id": subnet})).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "RouterInterfaceInUseByFloatingIP"));
    // The port's end lets go of it; its own end gives the address back.
    let port = format!("/ports/{}", port["id"].as_str().unwrap());
    assert_eq!(world.call("member", "DELETE", &port, Value::Null).await.status, 204);
    assert_eq!(world.get("member", &path).await["floatingip"]["status"], "DOWN");
    assert_eq!(world.call("member", "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.get("admin", "/ports?device_owner=network:floatingip").await["ports"], json!([]));
}

/// What Tempest does as an administrator for each of its projects, and undoes at the end.
#[tokio::test]
async fn an_administrator_makes_and_unmakes_a_projects_network() {
    let world = world().await;
    let public = world.named("public").await;
    let network = world.make("admin", "/networks", "network", json!({"name": "n", "tenant_id": "project"})).await;
    let network = network["id"].as_str().unwrap();
    let body = json!({
        "name": "s", "tenant_id": "project", "network_id": network, "ip_version": 4, "cidr": "10.100.0.0/28",
    });
    let subnet = world.make("admin", "/subnets", "subnet", body).await;
    let subnet = subnet["id"].as_str().unwrap();
    let body = json!({"name": "r", "external_gateway_info": {"network_id": public}, "tenant_id": "project"});
    let router = world.make("admin", "/routers", "router", body).await;
    assert_eq!(router["project_id"], "project");
    let router = router["id"].as_str().unwrap();
    let interface = json!({"subnet_id": subnet});
    let add = format!("/routers/{router}/add_router_interface");
    assert_eq!(world.call("admin", "PUT", &add, interface.clone()).await.status, 200);
    // The project sees and uses all of it; another sees nothing.
    let port = world.make("member", "/ports", "port", json!({"network_id": network})).await;
    assert_eq!(world.get("stranger", &format!("/ports?network_id={network}")).await["ports"], json!([]));
    let group = world.get("admin", "/security-groups?project_id=project&name=default").await;
    let group = group["security_groups"][0]["id"].as_str().unwrap().to_owned();
    let remove = format!("/routers/{router}/remove_router_interface");
    assert_eq!(world.call("admin", "PUT", &remove, interface).await.status, 200);
    for path in [
        format!("/ports/{}", port["id"].as_str().unwrap()),
        format!("/routers/{router}"),
        format!("/subnets/{subnet}"),
        format!("/networks/{network}"),
        format!("/security-groups/{group}"),
    ] {
        let answer = world.call("admin", "DELETE", &path, Value::Null).await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.text());
    }
    let refused = world.refused("member", "POST", "/networks", json!({"network": {"tenant_id": "elsewhere"}})).await;
    let text = "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges";
    assert_eq!(refused, (400, "HTTPBadRequest".to_owned(), text.to_owned()));
}
