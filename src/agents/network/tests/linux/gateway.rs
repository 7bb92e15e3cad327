//! The host as a network's gateway: masquerading, what of the host guests see, Docker beside it.

use bus::topics::network_spec::*;
use network_agent::drivers::NetworkDriver;
use network_agent::drivers::linux::LinuxDriver;

use crate::world::*;

async fn guest_on_default(world: &World, driver: &LinuxDriver) -> (NetworkSpec, Guest) {
    let network = network(1, 20, NetworkGateway::Host);
    let group = open_group(1);
    driver.ensure_network(network.clone()).await.unwrap();
    driver.ensure_security_group(group.clone()).await.unwrap();
    let guest = world.guest(driver, &port(1, &network, 10, &[&group])).await;
    guest.ip(&["route", "add", "default", "via", "10.20.0.1"]);
    (network, guest)
}

#[test]
fn guests_get_out_and_nobody_gets_in() {
    on_private_host(|world| async move {
        let outside = internet();
        let driver = world.driver().await;
        let (_, guest) = guest_on_default(&world, &driver).await;
        outside.echo(443).await;
        guest.echo(22).await;
        assert!(guest.reaches("198.51.100.2"), "no way out");
        assert!(guest.connects("198.51.100.2:443").await);
        outside.ip(&["route", "add", "10.20.0.0/24", "via", "198.51.100.1"]);
        assert!(!outside.connects("10.20.0.10:22").await, "somebody outside reaches a guest by routing");
        assert!(host_connects("10.20.0.10:22"));

        // Of the host a guest sees the gateway's answer to a ping, and nothing else.
        let services = std::net::TcpListener::bind("0.0.0.0:8774").unwrap();
        assert!(guest.pings("10.20.0.1"));
        for address in ["10.20.0.1:8774", "198.51.100.1:8774"] {
            assert!(!guest.connects(address).await, "a guest reaches {address}");
        }
        drop(services);
        driver.shutdown().await;
    });
}

#[test]
fn docker_beside_us_changes_nothing() {
    on_private_host(|world| async move {
        // What dockerd sets up, and the worst it could mean for us: its ranges are a network's of ours.
        for program in ["iptables", "ip6tables"] {
            run(program, &["-P", "FORWARD", "DROP"]);
            run(program, &["-N", "DOCKER-USER"]);
            run(program, &["-A", "FORWARD", "-j", "DOCKER-USER"]);
        }
        run(
            "iptables",
            &["-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "80", "-j", "DNAT", "--to", "192.0.2.1:8080"],
        );
        run(
            "iptables",
            &["-t", "nat", "-A", "POSTROUTING", "-s", "10.20.0.0/24", "!", "-o", "docker0", "-j", "MASQUERADE"],
        );
        run("sysctl", &["-qw", "net.bridge.bridge-nf-call-iptables=1"]);
        let outside = internet();
        let driver = world.driver().await;
        let (network, guest) = guest_on_default(&world, &driver).await;
        let other = world.guest(&driver, &port(2, &network, 11, &[&open_group(1)])).await;
        other.echo(80).await;
        assert!(guest.reaches("198.51.100.2"), "no way out past Docker's rules");
        assert!(guest.reaches("10.20.0.11"), "no way between guests past Docker's rules");
        let connection = guest.connection("10.20.0.11:80").await;
        assert_eq!(connection.local_addr().unwrap().ip().to_string(), "10.20.0.10");
        // A second start finds its rules and adds none.
        let rules = run("iptables", &["-S", "DOCKER-USER"]);
        driver.shutdown().await;
        world.driver().await.shutdown().await;
        assert_eq!(run("iptables", &["-S", "DOCKER-USER"]), rules);
        drop(outside);
    });
}

#[test]
fn another_firewall_that_drops_is_reported() {
    on_private_host(|world| async move {
        run("iptables", &["-P", "FORWARD", "DROP"]);
        let driver = world.driver().await;
        let warnings = driver.capabilities().warnings;
        assert!(warnings.iter().any(|warning| warning.contains("FORWARD")), "{warnings:?}");
        driver.shutdown().await;
    });
}
