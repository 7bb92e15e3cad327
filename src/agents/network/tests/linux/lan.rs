//! Addresses of the LAN: reached from it and reaching it, through a host with a single NIC; told of, taken back, put back.

use std::net::{IpAddr, Ipv4Addr};

use bus::topics::network_spec::*;
use kit::ids::RouterId;
use network_agent::drivers::NetworkDriver;
use network_agent::drivers::linux::{LinuxDriver, clear};

use crate::routing::{gateway, leg};
use crate::world::*;

/// A LAN `192.168.1.0/24` (a bridge in a namespace) with its router, .1, and a laptop, .50. The host's only NIC, `eth0`, has .10.
struct Home {
    router: Guest,
    laptop: Guest,
}

impl Home {
    fn new() -> Self {
        run("ip", &["netns", "add", "switch"]);
        let switch = Guest { name: "switch".to_owned(), mac: String::new() };
        switch.ip(&["link", "add", "lan", "type", "bridge", "stp_state", "0", "forward_delay", "0"]);
        switch.ip(&["link", "set", "lan", "up"]);
        run("ip", &["link", "add", "eth0", "type", "veth", "peer", "name", "host", "netns", "switch"]);
        run("ip", &["address", "add", "192.168.1.10/24", "dev", "eth0"]);
        run("ip", &["link", "set", "eth0", "up"]);
        run("ip", &["route", "add", "default", "via", "192.168.1.1"]);
        switch.ip(&["link", "set", "host", "master", "lan", "up"]);
        let machine = |name: &str, address: &str| {
            run("ip", &["netns", "add", name]);
            run("ip", &["-n", "switch", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name]);
            switch.ip(&["link", "set", name, "master", "lan", "up"]);
            let machine = Guest { name: name.to_owned(), mac: String::new() };
            machine.ip(&["address", "add", address, "dev", "eth0"]);
            machine.ip(&["link", "set", "eth0", "up"]);
            machine
        };
        Self { router: machine("router", "192.168.1.1/24"), laptop: machine("laptop", "192.168.1.50/24") }
    }
}

/// The external network, whose addresses are the LAN's.
fn lan_network() -> NetworkSpec {
    let mut lan = network(1, 24, NetworkGateway::Lan);
    lan.subnets[0].cidr = "192.168.1.0/24".parse().unwrap();
    lan.subnets[0].gateway_ip = Some(IpAddr::from([192, 168, 1, 1]));
    lan.subnets[0].enable_dhcp = false;
    lan.metadata = false;
    lan.service_port = None;
    lan
}

fn floating(last: u8) -> FloatingIpSpec {
    FloatingIpSpec {
        floating_ip_address: IpAddr::from([192, 168, 1, last]),
        fixed_ip_address: IpAddr::from([10, 30, 0, 10]),
        port_id: port(1, &private_network(), 10, &[]).id,
    }
}

fn private_network() -> NetworkSpec {
    network(2, 30, NetworkGateway::Router)
}

/// A router between the private network and the LAN, .200 on it.
fn router(floating_ips: Vec<FloatingIpSpec>) -> RouterSpec {
    RouterSpec {
        id: RouterId::new(uuid(8, 1)),
        admin_state_up: true,
        interfaces: vec![leg(1, &private_network(), "10.30.0.1/24")],
        gateway: Some(gateway(3, &lan_network(), "192.168.1.200/24")),
        routes: vec![],
        floating_ips,
    }
}

fn state(floating_ips: Vec<FloatingIpSpec>) -> HostState {
    let group = open_group(1);
    HostState {
        networks: vec![lan_network(), private_network()],
        ports: vec![port(1, &private_network(), 10, &[&group])],
        security_groups: vec![group],
        group_members: vec![],
        routers: vec![router(floating_ips)],
    }
}

/// A driver of [`state`], and its guest.
async fn guest_behind_router(world: &World) -> (LinuxDriver, Guest) {
    let driver = world.driver().await;
    let state = state(vec![]);
    for network in state.networks {
        driver.ensure_network(network).await.unwrap();
    }
    driver.ensure_security_group(state.security_groups[0].clone()).await.unwrap();
    let guest = world.guest(&driver, &state.ports[0]).await;
    driver.ensure_router(state.routers[0].clone()).await.unwrap();
    guest.ip(&["route", "add", "default", "via", "10.30.0.1"]);
    guest.echo(22).await;
    (driver, guest)
}

/// Whether `from` gets to the guest. The kernel answers for others after up to 0.8 s, at its pleasure.
async fn gets_to(from: &Guest, target: &str) -> bool {
    for _ in 0..4 {
        if from.connects(target).await {
            return true;
        }
    }
    false
}

/// The last octets of what is answered for at the NIC.
fn announced() -> Vec<u8> {
    let shown = run("ip", &["-4", "neigh", "show", "proxy", "dev", "eth0"]);
    let addresses = shown.lines().filter_map(|line| line.split(' ').next()?.parse::<Ipv4Addr>().ok());
    let mut last: Vec<u8> = addresses.map(|ip| ip.octets()[3]).collect();
    last.sort_unstable();
    last
}

#[test]
fn a_guest_has_an_address_of_the_lan() {
    on_private_host(|world| async move {
        let home = Home::new();
        let (driver, guest) = guest_behind_router(&world).await;
        assert_eq!(announced(), [200]);
        assert!(guest.reaches("192.168.1.50") && guest.reaches("192.168.1.1"), "no way to the LAN");
        // The laptop knows another place for the address, as after a device that had it before.
        home.laptop.ip(&[
            "neigh",
            "add",
            "192.168.1.201",
            "lladdr",
            "02:00:00:00:00:99",
            "dev",
            "eth0",
            "nud",
            "stale",
        ]);
        driver.ensure_router(router(vec![floating(201)])).await.unwrap();
        assert_eq!(announced(), [200, 201]);
        let link = run("ip", &["-o", "link", "show", "dev", "eth0"]);
        let mac = link.split(' ').skip_while(|word| *word != "link/ether").nth(1).unwrap();
        let knows = || run("ip", &["-n", "laptop", "neigh", "show", "192.168.1.201"]).contains(mac);
        assert!(eventually(knows), "the LAN was not told");
        for from in [&home.laptop, &home.router] {
            assert!(gets_to(from, "192.168.1.201:22").await, "{} does not reach the guest", from.name);
        }
        assert!(host_connects("192.168.1.201:22"), "the host does not reach the guest");
        // To the LAN it is the address, not the host.
        let listener = home.laptop.within(|| std::net::TcpListener::bind("192.168.1.50:80").unwrap()).await;
        let _connection = guest.connection("192.168.1.50:80").await;
        let (_, peer) = listener.accept().unwrap();
        assert_eq!(peer.ip().to_string(), "192.168.1.201");
        // Of the host a guest sees nothing.
        let _service = std::net::TcpListener::bind("0.0.0.0:8774").unwrap();
        assert!(!guest.connects("192.168.1.10:8774").await, "a guest reaches the host");

        driver.ensure_router(router(vec![])).await.unwrap();
        assert_eq!(announced(), [200]);
        assert!(!home.laptop.connects("192.168.1.201:22").await);
        driver.remove_router(router(vec![]).id).await.unwrap();
        assert!(announced().is_empty());
        let routes = run("ip", &["-4", "route", "show", "proto", "static"]);
        assert!(!routes.contains("192.168.1."), "{routes}");
        driver.shutdown().await;
    });
}

#[test]
fn a_guest_may_be_on_the_lan_itself() {
    on_private_host(|world| async move {
        let home = Home::new();
        let driver = world.driver().await;
        let (lan, group) = (lan_network(), open_group(1));
        driver.ensure_network(lan.clone()).await.unwrap();
        driver.ensure_security_group(group.clone()).await.unwrap();
        let port = port(1, &lan, 205, &[&group]);
        let guest = world.guest(&driver, &port).await;
        guest.ip(&["route", "add", "default", "via", "192.168.1.1"]);
        guest.echo(22).await;
        assert_eq!(announced(), [205]);
        assert!(gets_to(&home.laptop, "192.168.1.205:22").await && host_connects("192.168.1.205:22"));
        assert!(guest.reaches("192.168.1.50"));
        driver.remove_port(port.id.clone()).await.unwrap();
        assert!(announced().is_empty());
        driver.shutdown().await;
    });
}

#[test]
fn what_is_announced_outlives_the_process_and_the_cable_and_others_entries_stay() {
    on_private_host(|world| async move {
        let home = Home::new();
        let (driver, guest) = guest_behind_router(&world).await;
        driver.ensure_router(router(vec![floating(201)])).await.unwrap();
        driver.shutdown().await;
        assert_eq!(announced(), [200, 201], "guests go on without the process");
        assert!(gets_to(&home.laptop, "192.168.1.201:22").await);

        // What a process that died has left, and what somebody else has there.
        let mark = world.names.mark().to_string();
        run("ip", &["neigh", "add", "proxy", "192.168.1.215", "dev", "eth0", "protocol", &mark]);
        run("ip", &["neigh", "add", "proxy", "192.168.1.216", "dev", "eth0"]);
        let driver = world.driver().await;
        driver.sync(state(vec![floating(201)])).await.unwrap();
        assert_eq!(announced(), [200, 201, 216]);

        // An interface that goes down forgets.
        run("ip", &["link", "set", "eth0", "down"]);
        run("ip", &["link", "set", "eth0", "up"]);
        run("ip", &["route", "replace", "default", "via", "192.168.1.1"]);
        assert!(announced().is_empty());
        let back = || announced() == [200, 201];
        assert!(eventually(back) || eventually(back), "what was announced is not again");
        let repaired = || driver.condition().repairs.iter().any(|repair| repair.what.contains("addresses of the LAN"));
        assert!(eventually(repaired));
        assert!(gets_to(&home.laptop, "192.168.1.201:22").await && guest.reaches("192.168.1.50"));

        run("ip", &["neigh", "add", "proxy", "192.168.1.216", "dev", "eth0"]);
        driver.shutdown().await;
        clear(world.config()).await.unwrap();
        assert_eq!(announced(), [216], "a cloud that leaves its host leaves something on it");
    });
}

#[test]
fn an_interface_that_is_not_there_is_told_of_and_waited_for() {
    on_private_host(|world| async move {
        let (driver, _guest) = guest_behind_router(&world).await;
        let complains = || driver.condition().reasons.iter().any(|reason| reason.contains("interface is not there"));
        assert!(eventually(complains) || eventually(complains));
        let home = Home::new();
        let back = || announced() == [200];
        assert!(eventually(back) || eventually(back));
        assert!(eventually(|| !complains()));
        assert!(home.router.pings("192.168.1.200"));
        driver.shutdown().await;
    });
}
