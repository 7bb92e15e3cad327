//! A guest on the default network: address, names, metadata, gateway; taps; the same range twice.

use std::os::unix::fs::PermissionsExt;

use bus::topics::network_spec::*;
use network_agent::drivers::NetworkDriver;

use crate::world::*;

/// What udhcpc calls: it writes down what was offered, and takes it.
const DHCP_SCRIPT: &str = r#"#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
for name in ip router dns mtu domain boot_file staticroutes; do
    eval "echo $name=\$$name"
done > "$(dirname "$0")/offer"
set -- $staticroutes
while [ $# -ge 2 ]; do ip route add "$1" via "$2" dev "$interface"; shift 2; done
"#;

#[test]
fn a_guest_gets_its_address_names_and_metadata() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Host);
        let group = group(1, vec![egress(), tcp(22), ping()]);
        driver.ensure_network(network.clone()).await.unwrap();
        driver.ensure_security_group(group.clone()).await.unwrap();
        let mut spec = port(1, &network, 10, &[&group]);
        spec.extra_dhcp_opts =
            vec![DhcpOption { name: "bootfile-name".to_owned(), value: "pxelinux.0".to_owned(), ip_version: 4 }];
        let guest = world.unaddressed_guest(&driver, &spec).await;
        driver.ensure_port(port(2, &network, 11, &[&group])).await.unwrap();

        let script = world.directory().join("udhcpc.sh");
        std::fs::write(&script, DHCP_SCRIPT).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let script_path = script.display().to_string();
        let client = [
            "busybox",
            "udhcpc",
            "-f",
            "-q",
            "-n",
            "-t",
            "8",
            "-T",
            "1",
            "-i",
            "eth0",
            "-s",
            &script_path,
            "-O",
            "mtu",
            "-O",
            "staticroutes",
        ];
        assert!(guest.run(&client), "no address was offered");
        let offer = std::fs::read_to_string(world.directory().join("offer")).unwrap();
        for wanted in [
            "ip=10.20.0.10",
            "router=10.20.0.1",
            "dns=10.20.0.2",
            "mtu=1450",
            "domain=cloudbox.local",
            "boot_file=pxelinux.0",
        ] {
            assert!(offer.lines().any(|line| line == wanted), "{wanted} is not in\n{offer}");
        }
        assert!(offer.contains("staticroutes=169.254.169.254/32 10.20.0.2 0.0.0.0/0 10.20.0.1"), "{offer}");

        assert!(guest.reaches("10.20.0.1"), "the gateway does not answer");
        let answer = guest.output(&["busybox", "nslookup", "vm2.cloudbox.local", "10.20.0.2"]);
        assert!(answer.contains("10.20.0.11"), "{answer}");

        let get = ["busybox", "wget", "-q", "-O", "-", "--header", "X-Forwarded-For: 10.20.0.11"];
        let get: Vec<&str> = get.into_iter().chain(["http://169.254.169.254/openstack/latest?x=1"]).collect();
        assert_eq!(guest.output(&get), "GET /openstack/latest?x=1 server-1 10.20.0.10");

        // The host reaches what the group lets in, and only that.
        guest.echo(22).await;
        guest.echo(23).await;
        assert!(host_connects("10.20.0.10:22"));
        assert!(!host_connects("10.20.0.10:23"));
        assert!(succeeds("busybox", &["ping", "-c", "1", "-W", "2", "10.20.0.10"]));
        driver.shutdown().await;
    });
}

#[test]
fn a_port_is_a_persistent_tap_that_qemu_can_open() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Router);
        driver.ensure_network(network.clone()).await.unwrap();
        let spec = port(1, &network, 10, &[]);
        let wiring = driver.ensure_port(spec.clone()).await.unwrap();
        assert_eq!(driver.ensure_port(spec.clone()).await.unwrap(), wiring);
        let shown = run("ip", &["-d", "link", "show", "dev", &wiring.device]);
        for wanted in
            ["tun type tap pi off vnet_hdr on persist on", "mtu 1450", &format!("master {}", wiring.bridge), ",UP"]
        {
            assert!(shown.contains(wanted), "{wanted} is not in {shown}");
        }
        let down = PortSpec { admin_state_up: false, ..spec.clone() };
        driver.ensure_port(down).await.unwrap();
        assert!(!run("ip", &["link", "show", "dev", &wiring.device]).contains(",UP"));

        driver.remove_port(spec.id.clone()).await.unwrap();
        driver.remove_port(spec.id.clone()).await.unwrap();
        driver.remove_network(network.id.clone()).await.unwrap();
        driver.remove_network(network.id.clone()).await.unwrap();
        let links = run("ip", &["-br", "link"]);
        assert!(!links.contains(PREFIX), "{links}");
        assert_eq!(std::fs::read_dir("/run/netns").unwrap().count(), 0);
        driver.shutdown().await;
    });
}

#[test]
fn two_networks_of_one_range_do_not_see_each_other() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let group = open_group(1);
        driver.ensure_security_group(group.clone()).await.unwrap();
        let mut guests = Vec::new();
        for number in [1, 2] {
            let network = network(number, 30, NetworkGateway::Router);
            driver.ensure_network(network.clone()).await.unwrap();
            for (index, host) in [(0, 10), (1, 11)] {
                let spec = port(number * 10 + index, &network, host, &[&group]);
                guests.push(world.guest(&driver, &spec).await);
            }
        }
        guests[1].echo(1001).await;
        guests[3].echo(1003).await;
        assert!(guests[0].reaches("10.30.0.11") && guests[2].reaches("10.30.0.11"));
        assert!(guests[0].connects("10.30.0.11:1001").await && guests[2].connects("10.30.0.11:1003").await);
        assert!(!guests[0].connects("10.30.0.11:1003").await && !guests[2].connects("10.30.0.11:1001").await);
        // Nor is the host anywhere on a network whose gateway it is not.
        assert!(!succeeds("busybox", &["ping", "-c", "1", "-W", "1", "10.30.0.10"]));
        driver.shutdown().await;
    });
}

#[test]
fn a_host_is_cleared_of_all_that_is_ours_and_of_nothing_else() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Host);
        driver.ensure_network(network.clone()).await.unwrap();
        driver.ensure_port(port(1, &network, 10, &[])).await.unwrap();
        driver.shutdown().await;
        run("ip", &["link", "add", "theirs", "type", "bridge"]);
        run("nft", &["add", "table", "inet", "theirs"]);
        assert!(run("nft", &["list", "tables"]).contains(PREFIX));

        for _twice in 0..2 {
            network_agent::drivers::linux::clear(world.config()).await.unwrap();
            let links = run("ip", &["-br", "link"]);
            assert!(!links.contains(PREFIX) && links.contains("theirs"), "{links}");
            assert_eq!(run("nft", &["list", "tables"]).trim(), "table inet theirs");
            assert_eq!(std::fs::read_dir("/run/netns").unwrap().count(), 0);
            assert!(!world.config().run_directory.exists());
        }
    });
}
