//! Restarts, strays, and what others break.

use bus::topics::network_spec::*;
use network_agent::drivers::desired::Desired;
use network_agent::drivers::linux::firewall::Firewall;
use network_agent::drivers::{DriverError, NetworkDriver};

use crate::world::*;

/// A zombie that nobody has reaped yet has no command line.
fn is_alive(pid: rustix::process::Pid) -> bool {
    std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).is_ok_and(|words| !words.is_empty())
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    on_private_host(|world| async move {
        let network = network(1, 20, NetworkGateway::Host);
        let group = group(1, vec![egress(), tcp(22)]);
        let spec = port(1, &network, 10, &[&group]);
        let driver = world.driver().await;
        driver.ensure_network(network.clone()).await.unwrap();
        driver.ensure_security_group(group.clone()).await.unwrap();
        let guest = world.guest(&driver, &spec).await;
        guest.echo(22).await;
        let mut under_way = connect("10.20.0.10:22".parse().unwrap()).unwrap();
        assert!(echoes(&mut under_way));
        let pid_file = world.directory().join("run/dhcp").join(network.id.as_str()).join("pid");
        let dnsmasq = pid_in(&pid_file).unwrap();
        driver.shutdown().await;
        assert!(echoes(&mut under_way), "the network ended with the driver");

        let driver = world.driver().await;
        let early = driver.ensure_network(network.clone()).await;
        assert!(matches!(early, Err(DriverError::NotSynced)), "{early:?}");
        let state = HostState {
            networks: vec![network.clone()],
            security_groups: vec![group.clone()],
            ports: vec![spec.clone()],
            ..HostState::default()
        };
        driver.sync(state.clone()).await.unwrap();
        driver.sync(state).await.unwrap();
        assert_eq!(pid_in(&pid_file), Some(dnsmasq), "dnsmasq was not taken up");
        assert!(echoes(&mut under_way), "a connection did not survive the restart");
        assert!(!host_connects("10.20.0.10:23"));

        // What dies or is taken away comes back.
        rustix::process::kill_process(dnsmasq, rustix::process::Signal::KILL).unwrap();
        assert!(
            eventually(|| pid_in(&pid_file).is_some_and(|pid| pid != dnsmasq && is_alive(pid))),
            "dnsmasq does not come back"
        );
        driver.shutdown().await;
    });
}

#[test]
fn tables_that_somebody_flushed_come_back() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Router);
        driver.ensure_network(network.clone()).await.unwrap();
        run("nft", &["flush", "ruleset"]);
        // The next change notices by itself, …
        driver.ensure_port(port(1, &network, 10, &[])).await.unwrap();
        let tables = || run("nft", &["list", "tables"]);
        assert!(tables().contains("bridge tst") && tables().contains("inet tst"));
        assert!(run("nft", &["list", "map", "bridge", "tst", "guests"]).contains("tsttp"));
        driver.shutdown().await;
    });
}

#[test]
fn sync_takes_away_ours_and_nobody_elses() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let (kept, gone) = (network(1, 20, NetworkGateway::Host), network(2, 21, NetworkGateway::Host));
        for network in [&kept, &gone] {
            driver.ensure_network(network.clone()).await.unwrap();
        }
        let (here, there) = (port(1, &kept, 10, &[]), port(2, &gone, 10, &[]));
        driver.ensure_port(here.clone()).await.unwrap();
        driver.ensure_port(there.clone()).await.unwrap();
        run("ip", &["link", "add", "tstown", "type", "bridge"]);
        run("ip", &["netns", "add", "tst-own"]);
        run("nft", &["add", "table", "inet", "own"]);
        let gone_directory = world.directory().join("run/dhcp").join(gone.id.as_str());
        let dnsmasq = pid_in(&gone_directory.join("pid")).unwrap();

        let state = HostState { networks: vec![kept.clone()], ports: vec![here.clone()], ..HostState::default() };
        driver.sync(state.clone()).await.unwrap();
        let links = run("ip", &["-br", "link"]);
        for (device, there) in [
            (world.names.bridge(&kept.id), true),
            (world.names.tap(&here.id), true),
            (world.names.gateway(&kept.id), true),
            ("tstown".to_owned(), true),
            (world.names.bridge(&gone.id), false),
            (world.names.tap(&there.id), false),
            (world.names.gateway(&gone.id), false),
            (world.names.service(&gone.id), false),
        ] {
            assert_eq!(links.contains(&device), there, "{device} in {links}");
        }
        let spaces: Vec<_> = std::fs::read_dir("/run/netns").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(spaces.len(), 2, "{spaces:?}");
        assert!(!is_alive(dnsmasq), "the other network's dnsmasq lives");
        assert!(!gone_directory.exists());
        assert!(run("nft", &["list", "tables"]).contains("inet own"));

        // One object that cannot be made does not keep the others from being made.
        let impossible = NetworkSpec { segment: Segment::Vxlan { vni: 7 }, ..gone.clone() };
        let state = HostState { networks: vec![impossible, kept.clone()], ports: vec![there, here.clone()], ..state };
        run("ip", &["link", "del", &world.names.tap(&here.id)]);
        let failed = driver.sync(state).await;
        assert!(matches!(failed, Err(DriverError::Partial(_))), "{failed:?}");
        assert!(run("ip", &["-br", "link"]).contains(&world.names.tap(&here.id)));
        driver.shutdown().await;
    });
}

#[test]
fn what_is_still_used_stays() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Router);
        let group = group(1, vec![]);
        let missing = driver.ensure_port(port(1, &network, 10, &[])).await;
        assert!(matches!(missing, Err(DriverError::Missing { kind: "network", .. })), "{missing:?}");
        driver.ensure_network(network.clone()).await.unwrap();
        let missing = driver.ensure_port(port(1, &network, 10, &[&group])).await;
        assert!(matches!(missing, Err(DriverError::Missing { kind: "security group", .. })), "{missing:?}");
        driver.ensure_security_group(group.clone()).await.unwrap();
        driver.ensure_port(port(1, &network, 10, &[&group])).await.unwrap();
        assert!(matches!(driver.remove_network(network.id.clone()).await, Err(DriverError::InUse { .. })));
        assert!(matches!(driver.remove_security_group(group.id.clone()).await, Err(DriverError::InUse { .. })));
        driver.shutdown().await;
        assert!(matches!(driver.ensure_network(network).await, Err(DriverError::Stopped)));
    });
}

/// The words of both tables, in no order: the kernel lists a set's elements as it likes.
fn tables() -> Vec<String> {
    let text = run("nft", &["list", "ruleset"]);
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(ToOwned::to_owned).collect();
    words.sort();
    words
}

type Step<'a> = Box<dyn Fn(&mut Desired) + 'a>;

#[test]
fn a_chain_of_changes_ends_where_a_fresh_start_does() {
    on_private_host(|world| async move {
        let mut firewall = Firewall::open(world.names.clone(), world.directory().join("zones")).await.unwrap();
        let (one, two) = (network(1, 20, NetworkGateway::Host), network(2, 21, NetworkGateway::Router));
        let (base, mut open) = (group(1, vec![egress()]), open_group(2));
        open.rules.push(SecurityGroupRuleSpec { remote_group_id: Some(base.id.clone()), ..tcp(22) });
        let pair = |range: &str| AddressPair {
            ip_address: range.parse().unwrap(),
            mac_address: "fa:16:3e:00:00:01".to_owned(),
        };
        let paired = |ranges: &[&str], groups: &[&SecurityGroupSpec]| PortSpec {
            allowed_address_pairs: ranges.iter().map(|range| pair(range)).collect(),
            ..port(1, &one, 10, groups)
        };
        let members = |addresses: &[&str]| GroupMembers {
            group_id: base.id.clone(),
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        };
        let steps: Vec<Step<'_>> = vec![
            Box::new(|desired| desired.put_network(one.clone()).unwrap()),
            Box::new(|desired| desired.put_group(base.clone()).unwrap()),
            Box::new(|desired| desired.put_port(paired(&["10.20.0.64/28"], &[&base])).unwrap()),
            Box::new(|desired| desired.put_group(open.clone()).unwrap()),
            Box::new(|desired| desired.put_members(members(&["10.20.0.70", "fd00::7", "10.20.1.1"]))),
            Box::new(|desired| {
                desired.put_port(paired(&["10.20.0.64/26", "10.20.0.65/32", "0.0.0.0/0"], &[&base, &open])).unwrap()
            }),
            Box::new(|desired| desired.put_network(two.clone()).unwrap()),
            Box::new(|desired| desired.put_port(port(2, &two, 10, &[&open])).unwrap()),
            Box::new(|desired| desired.put_port(paired(&["10.20.0.80/30"], &[&open])).unwrap()),
            Box::new(|desired| desired.put_members(members(&["10.20.0.81"]))),
            Box::new(|desired| desired.put_group(group(2, vec![tcp(80)])).unwrap()),
            Box::new(|desired| drop(desired.ports.remove(&port(2, &two, 10, &[]).id))),
            Box::new(|desired| desired.put_port(paired(&[], &[])).unwrap()),
            Box::new(|desired| desired.take_group(&base.id).unwrap()),
        ];
        let mut desired = Desired::default();
        firewall.apply(&desired).await.unwrap();
        for (index, step) in steps.iter().enumerate() {
            step(&mut desired);
            firewall.apply(&desired).await.unwrap();
            let changed = tables();
            assert_eq!(firewall.replacements(), index as u64 + 1, "step {index} was refused as a change");
            firewall.forget();
            firewall.apply(&desired).await.unwrap();
            assert_eq!(changed, tables(), "after step {index}");
        }
    });
}

/// Not a test of the clock, but of the shape: what one more port costs must not grow with those that are there.
#[test]
fn many_ports_fit() {
    on_private_host(|world| async move {
        let driver = world.driver().await;
        let network = network(1, 20, NetworkGateway::Router);
        let group =
            group(1, vec![egress(), SecurityGroupRuleSpec { remote_group_id: Some(uuid(5, 1).into()), ..tcp(22) }]);
        let ports: Vec<PortSpec> = (3..200).map(|host| port(u32::from(host), &network, host, &[&group])).collect();
        let state = HostState {
            networks: vec![network],
            security_groups: vec![group],
            ports: ports.clone(),
            ..HostState::default()
        };
        driver.sync(state).await.unwrap();
        let start = std::time::Instant::now();
        driver.remove_port(ports[0].id.clone()).await.unwrap();
        driver.ensure_port(ports[0].clone()).await.unwrap();
        eprintln!("one more port takes {:?}", start.elapsed());
        assert_eq!(run("nft", &["list", "map", "bridge", PREFIX, "guests"]).matches("tsttp").count(), ports.len());
        driver.shutdown().await;
    });
}
