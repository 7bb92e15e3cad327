//! Routers: between networks, out by SNAT, in by floating IPs.

use std::net::IpAddr;

use bus::topics::network_spec::*;
use kit::ids::{PortId, RouterId};
use network_agent::drivers::NetworkDriver;

use crate::world::*;

pub fn leg(number: u32, network: &NetworkSpec, address: &str) -> RouterInterface {
    RouterInterface {
        port_id: PortId::new(uuid(7, number)),
        network_id: network.id.clone(),
        mac: format!("fa:16:3e:aa:00:{number:02x}"),
        addresses: vec![InterfaceAddress {
            subnet_id: network.subnets[0].id.clone(),
            address: address.parse().unwrap(),
        }],
    }
}

pub fn gateway(number: u32, network: &NetworkSpec, address: &str) -> RouterGateway {
    let leg = leg(number, network, address);
    RouterGateway {
        port_id: leg.port_id,
        network_id: leg.network_id,
        mac: leg.mac,
        addresses: leg.addresses,
        nexthops: network.subnets[0].gateway_ip.into_iter().collect(),
        enable_snat: true,
    }
}

#[test]
fn a_router_routes_translates_and_floats() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let outside = network(1, 24, NetworkGateway::Host);
        let (red, blue) = (network(2, 30, NetworkGateway::Router), network(3, 31, NetworkGateway::Router));
        let group = open_group(1);
        for network in [&outside, &red, &blue] {
            driver.ensure_network(network.clone()).await.unwrap();
        }
        driver.ensure_security_group(group.clone()).await.unwrap();
        let a = world.guest(&driver, &port(1, &red, 10, &[&group])).await;
        let b = world.guest(&driver, &port(2, &blue, 10, &[&group])).await;
        a.ip(&["route", "add", "default", "via", "10.30.0.1"]);
        b.ip(&["route", "add", "default", "via", "10.31.0.1"]);
        let mut router = RouterSpec {
            id: RouterId::new(uuid(8, 1)),
            admin_state_up: true,
            interfaces: vec![leg(1, &red, "10.30.0.1/24"), leg(2, &blue, "10.31.0.1/24")],
            gateway: None,
            routes: vec![],
            floating_ips: vec![],
        };
        driver.ensure_router(router.clone()).await.unwrap();
        assert!(a.reaches("10.31.0.10"), "no way between the router's networks");
        assert!(!a.pings("10.24.0.1"), "a way out without a gateway");

        router.gateway = Some(gateway(3, &outside, "10.24.0.5/24"));
        driver.ensure_router(router.clone()).await.unwrap();
        driver.ensure_router(router.clone()).await.unwrap();
        assert!(a.reaches("10.24.0.1") && b.reaches("10.24.0.1"), "no way out");

        a.echo(22).await;
        let floating = |last: u8, host: [u8; 4], port: &str| FloatingIpSpec {
            floating_ip_address: IpAddr::from([10, 24, 0, last]),
            fixed_ip_address: IpAddr::from(host),
            port_id: PortId::new(port),
        };
        router.floating_ips = vec![floating(50, [10, 30, 0, 10], "p1")];
        driver.ensure_router(router.clone()).await.unwrap();
        assert!(eventually(|| host_connects("10.24.0.50:22")), "the floating IP does not lead to its guest");
        assert!(b.connects("10.24.0.50:22").await, "the floating IP is not reached from behind the router");
        let mut under_way = connect("10.24.0.50:22".parse().unwrap()).unwrap();
        assert!(echoes(&mut under_way));

        router.floating_ips.clear();
        driver.ensure_router(router.clone()).await.unwrap();
        assert!(!echoes(&mut under_way), "a connection through a lost floating IP lives on");
        assert!(!host_connects("10.24.0.50:22"));

        router.admin_state_up = false;
        driver.ensure_router(router.clone()).await.unwrap();
        assert!(!a.pings("10.31.0.10"), "a router that is down forwards");

        driver.remove_router(router.id.clone()).await.unwrap();
        driver.remove_router(router.id.clone()).await.unwrap();
        let links = run("ip", &["-br", "link"]);
        assert!(!links.contains("tstrt"), "{links}");
        driver.shutdown().await;
    });
}
