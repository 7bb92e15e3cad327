//! What one more rule of a security group costs, carried out by nftables, when a thousand ports are in the group.
//!
//! On a private host: a network namespace of a thread, which is left out without root.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bus::topics::network_spec::*;
use kit::ids::{NetworkId, PortId, SecurityGroupId};
use network_agent::drivers::linux::{LinuxConfig, LinuxDriver};
use network_agent::drivers::{MetadataReply, NetworkDriver as _};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::UnshareFlags;

use crate::figure::{Goal, Report, median_ms};

const FEW: &str = "one more security group rule at 10 ports, median";
const MANY: &str = "one more security group rule at 1,000 ports, median";
const RATIO: &str = "one more security group rule at 1,000 ports against at 10";

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[FEW, MANY, RATIO]) {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("  {MANY}: left out, it needs root");
        return;
    }
    let few = on_private_host(10).await;
    let many = on_private_host(1_000).await;
    report.add(FEW, few, "ms", Goal::None);
    report.add(MANY, many, "ms", Goal::None);
    report.add(RATIO, many / few, "×", Goal::AtMost(2.0));
}

async fn on_private_host(ports: u16) -> f64 {
    let host = std::thread::spawn(move || {
        // Of this thread alone; those that it starts follow it.
        #[expect(deprecated, reason = "the replacement is unsafe for unsharing descriptors, which this does not")]
        rustix::thread::unshare(UnshareFlags::NEWNET | UnshareFlags::NEWNS).expect("namespaces of its own");
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).expect("private mounts");
        std::fs::create_dir_all("/run/netns").expect("a directory");
        mount("tmpfs", "/run/netns", "tmpfs", MountFlags::empty(), None).expect("a mount");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(rule_ms(ports))
    });
    tokio::task::spawn_blocking(|| host.join().expect("it is measured")).await.expect("it is waited for")
}

async fn rule_ms(ports: u16) -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let config = LinuxConfig {
        device_prefix: "fgs".to_owned(),
        state_directory: directory.path().join("state"),
        run_directory: directory.path().join("run"),
        dns_servers: Vec::new(),
        external_interface: None,
    };
    let nobody = |_| -> futures_util::future::BoxFuture<'static, MetadataReply> {
        Box::pin(async { MetadataReply { status: 404, content_type: "text/plain".to_owned(), body: Vec::new() } })
    };
    let driver = LinuxDriver::start(config, Arc::new(nobody)).await.expect("the driver starts");
    let state = HostState {
        networks: vec![network()],
        security_groups: vec![group(1)],
        ports: (0..ports).map(port).collect(),
        ..HostState::default()
    };
    driver.sync(state).await.expect("the host is as it should be");
    let mut times = Vec::new();
    for rules in 2..32 {
        let begun = Instant::now();
        driver.ensure_security_group(group(rules)).await.expect("the rule holds");
        times.push(begun.elapsed());
    }
    driver.shutdown().await;
    median_ms(times)
}

fn network() -> NetworkSpec {
    NetworkSpec {
        id: NetworkId::new("n1"),
        mtu: 1500,
        segment: Segment::Local,
        dns_domain: String::new(),
        subnets: vec![SubnetSpec {
            id: "s1".into(),
            cidr: "10.0.0.0/16".parse().expect("a range"),
            gateway_ip: None,
            enable_dhcp: false,
            dns_nameservers: Vec::new(),
            host_routes: Vec::new(),
            ipv6_address_mode: None,
            ipv6_ra_mode: None,
        }],
        service_port: None,
        metadata: false,
        gateway: NetworkGateway::Router,
    }
}

fn port(number: u16) -> PortSpec {
    let [high, low] = number.to_be_bytes();
    PortSpec {
        id: PortId::new(format!("{number:08x}-0000-4000-8000-000000000000")),
        network_id: NetworkId::new("n1"),
        mac: format!("fa:16:3e:00:{high:02x}:{low:02x}"),
        fixed_ips: vec![FixedIp { subnet_id: "s1".into(), ip_address: IpAddr::from([10, 0, high + 1, low]) }],
        allowed_address_pairs: Vec::new(),
        port_security_enabled: true,
        security_groups: vec![SecurityGroupId::new("g1")],
        device_owner: "compute:nova".to_owned(),
        device_id: "server".to_owned(),
        hostname: String::new(),
        admin_state_up: true,
        extra_dhcp_opts: Vec::new(),
    }
}

/// A group that lets as many TCP ports in as it has rules.
fn group(rules: u16) -> SecurityGroupSpec {
    let rule = |number: u16| SecurityGroupRuleSpec {
        id: format!("rule-{number}").into(),
        direction: Direction::Ingress,
        ethertype: Ethertype::Ipv4,
        protocol: Some(6),
        port_range_min: Some(8_000 + number),
        port_range_max: Some(8_000 + number),
        remote_ip_prefix: None,
        remote_group_id: None,
    };
    SecurityGroupSpec { id: SecurityGroupId::new("g1"), stateful: true, rules: (0..rules).map(rule).collect() }
}
