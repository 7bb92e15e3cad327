//! What the tests share: a private host, guests on it, specs, and ways to look.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::topics::network_spec::*;
use futures_util::FutureExt;
use kit::ids::{NetworkId, PortId, SecurityGroupId};
use network_agent::drivers::linux::names::Names;
use network_agent::drivers::linux::{LinuxConfig, LinuxDriver, netns};
use network_agent::drivers::{MetadataReply, NetworkDriver};
use rustix::mount::{MountPropagationFlags, mount, mount_change};
use rustix::thread::UnshareFlags;

pub const PREFIX: &str = "tst";
const PATIENCE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(700);

/// Runs `test` on a host of its own.
pub fn on_private_host<F: Future<Output = ()>>(test: impl FnOnce(World) -> F + Send + 'static) {
    if std::env::var_os("CLOUDBOX_SKIP_NETWORK").is_some_and(|value| value == "1") {
        eprintln!("skipped: CLOUDBOX_SKIP_NETWORK=1");
        return;
    }
    let host = std::thread::spawn(move || {
        // Of this thread alone; those that it starts follow it.
        #[expect(deprecated, reason = "the replacement is unsafe for unsharing descriptors, which this does not")]
        rustix::thread::unshare(UnshareFlags::NEWNET | UnshareFlags::NEWNS).expect("root is needed");
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
        std::fs::create_dir_all("/run/netns").unwrap();
        mount("tmpfs", "/run/netns", "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        run("ip", &["link", "set", "lo", "up"]);
        // As on a host where br_netfilter was loaded by us: off, except on bridges that ask for it.
        std::fs::write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0").unwrap();
        std::fs::write("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0").unwrap();
        runtime.block_on(test(World::new()));
        runtime.shutdown_timeout(Duration::from_secs(1));
    });
    if let Err(panic) = host.join() {
        std::panic::resume_unwind(panic);
    }
}

pub fn pid_in(file: &Path) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(std::fs::read_to_string(file).ok()?.trim().parse().ok()?)
}

pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program).args(arguments).output().unwrap().status.success()
}

/// Waits for a condition; false when it does not come true.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// A host with a driver.
pub struct World {
    directory: tempfile::TempDir,
    pub names: Names,
}

/// Ends what would outlive the process, even when the test fails, before the pid files go.
impl Drop for World {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.directory().join("run/dhcp")).into_iter().flatten().flatten() {
            if let Some(pid) = pid_in(&entry.path().join("pid")) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // dnsmasq reads there as a user of its own.
        run("chmod", &["755", &directory.path().display().to_string()]);
        Self { directory, names: Names::new(PREFIX).unwrap() }
    }

    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub fn config(&self) -> LinuxConfig {
        LinuxConfig {
            device_prefix: PREFIX.to_owned(),
            state_directory: self.directory().join("state"),
            run_directory: self.directory().join("run"),
            dns_servers: vec![IpAddr::from([192, 0, 2, 53])],
            external_interface: Some("eth0".to_owned()),
        }
    }

    /// A driver; it answers metadata requests by saying who asked for what.
    pub async fn driver(&self) -> LinuxDriver {
        let answer = |request: network_agent::drivers::MetadataRequest| {
            let body = format!("{} {} {} {}", request.method, request.path, request.device_id, request.source);
            async { MetadataReply { status: 200, content_type: "text/plain".to_owned(), body: body.into_bytes() } }
                .boxed()
        };
        LinuxDriver::start(self.config(), Arc::new(answer)).await.unwrap()
    }

    /// A guest on `port`: its namespace, with its own end of the wire, address and default route by hand.
    pub async fn guest(&self, driver: &LinuxDriver, port: &PortSpec) -> Guest {
        let guest = self.unaddressed_guest(driver, port).await;
        for ip in &port.fixed_ips {
            let length = if ip.ip_address.is_ipv4() { 24 } else { 64 };
            guest.ip(&["address", "add", &format!("{}/{length}", ip.ip_address), "dev", "eth0", "nodad"]);
        }
        guest
    }

    pub async fn unaddressed_guest(&self, driver: &LinuxDriver, port: &PortSpec) -> Guest {
        let name = format!("guest-{}", port.id);
        let tap = self.names.tap(&port.id);
        run("ip", &["netns", "add", &name]);
        let guest = Guest { name, mac: port.mac.clone() };
        guest.ip(&["link", "set", "lo", "up"]);
        run(
            "ip",
            &["link", "add", &tap, "type", "veth", "peer", "name", "eth0", "address", &port.mac, "netns", &guest.name],
        );
        guest.ip(&["link", "set", "eth0", "up"]);
        let wiring = driver.ensure_port(port.clone()).await.unwrap();
        assert_eq!(wiring.device, tap);
        guest
    }
}

/// A namespace that plays a guest (or the world outside).
pub struct Guest {
    pub name: String,
    pub mac: String,
}

impl Guest {
    pub fn ip(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = ["-n", &self.name].into_iter().chain(arguments.iter().copied()).collect();
        run("ip", &all)
    }

    pub fn run(&self, arguments: &[&str]) -> bool {
        let all: Vec<&str> = ["netns", "exec", &self.name].into_iter().chain(arguments.iter().copied()).collect();
        succeeds("ip", &all)
    }

    pub fn output(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = ["netns", "exec", &self.name].into_iter().chain(arguments.iter().copied()).collect();
        run("ip", &all)
    }

    pub fn pings(&self, target: &str) -> bool {
        self.run(&["busybox", "ping", "-c", "1", "-W", "1", target])
    }

    /// Whether it comes to answer; the first packets may wait for neighbours and ports to come up.
    pub fn reaches(&self, target: &str) -> bool {
        eventually(|| self.pings(target))
    }

    /// Does something in the guest, off the runtime.
    pub async fn within<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        netns::within(&self.name, work).await.unwrap()
    }

    /// Sends back whatever comes to a TCP port.
    pub async fn echo(&self, port: u16) {
        let listener = self.within(move || TcpListener::bind(("::", port)).unwrap()).await;
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    let mut bytes = [0; 64];
                    while let Ok(count @ 1..) = stream.read(&mut bytes) {
                        if stream.write_all(&bytes[..count]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
    }

    pub async fn connects(&self, target: &str) -> bool {
        let target: SocketAddr = target.parse().unwrap();
        self.within(move || connect(target).is_some()).await
    }

    pub async fn connection(&self, target: &str) -> TcpStream {
        let target: SocketAddr = target.parse().unwrap();
        self.within(move || connect(target).expect("connecting")).await
    }

    pub async fn udp(&self, address: &str) -> UdpSocket {
        let address: SocketAddr = address.parse().unwrap();
        let socket = self.within(move || UdpSocket::bind(address).unwrap()).await;
        socket.set_read_timeout(Some(SHORT)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket
    }
}

pub fn connect(target: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, SHORT).ok()?;
    stream.set_read_timeout(Some(SHORT)).unwrap();
    Some(stream)
}

pub fn host_connects(target: &str) -> bool {
    connect(target.parse().unwrap()).is_some()
}

/// Whether what is sent comes back.
pub fn echoes(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 4];
    stream.write_all(b"ping").is_ok() && stream.read_exact(&mut bytes).is_ok() && &bytes == b"ping"
}

/// Whether a datagram arrives.
pub fn arrives(from: &UdpSocket, to: &UdpSocket, target: &str) -> bool {
    let mut bytes = [0; 16];
    from.send_to(b"x", target).is_ok() && to.recv(&mut bytes).is_ok()
}

/// The world outside: a namespace at the host's uplink, 198.51.100.2, that knows no way back to guests.
pub fn internet() -> Guest {
    run("ip", &["netns", "add", "internet"]);
    run("ip", &["link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", "internet"]);
    run("ip", &["address", "add", "198.51.100.1/24", "dev", "uplink"]);
    run("ip", &["link", "set", "uplink", "up"]);
    let outside = Guest { name: "internet".to_owned(), mac: String::new() };
    outside.ip(&["address", "add", "198.51.100.2/24", "dev", "eth0"]);
    outside.ip(&["link", "set", "eth0", "up"]);
    outside
}

/// Ids as the network service makes them.
pub fn uuid(kind: u32, number: u32) -> String {
    format!("{kind:04x}{number:04x}-0000-4000-8000-{kind:04x}{number:08x}")
}

/// A network `10.<net>.0.0/24` with its DHCP port at .2 and its gateway at .1.
pub fn network(number: u32, net: u8, gateway: NetworkGateway) -> NetworkSpec {
    let subnet = SubnetSpec {
        id: uuid(2, number).into(),
        cidr: format!("10.{net}.0.0/24").parse().unwrap(),
        gateway_ip: Some(IpAddr::from([10, net, 0, 1])),
        enable_dhcp: true,
        dns_nameservers: vec![],
        host_routes: vec![],
        ipv6_address_mode: None,
        ipv6_ra_mode: None,
    };
    let service_port = ServicePort {
        port_id: uuid(3, number).into(),
        mac: format!("fa:16:3e:ff:00:{number:02x}"),
        fixed_ips: vec![FixedIp { subnet_id: subnet.id.clone(), ip_address: IpAddr::from([10, net, 0, 2]) }],
    };
    NetworkSpec {
        id: NetworkId::new(uuid(1, number)),
        mtu: 1450,
        segment: Segment::Local,
        dns_domain: "cloudbox.local".to_owned(),
        subnets: vec![subnet],
        service_port: Some(service_port),
        metadata: true,
        gateway,
    }
}

/// A port in `network` with the last octet `host`, in the groups.
pub fn port(number: u32, network: &NetworkSpec, host: u8, groups: &[&SecurityGroupSpec]) -> PortSpec {
    let subnet = &network.subnets[0];
    let IpAddr::V4(base) = subnet.cidr.network() else { panic!("an IPv4 subnet first") };
    let [a, b, c, _] = base.octets();
    PortSpec {
        id: PortId::new(uuid(4, number)),
        network_id: network.id.clone(),
        mac: format!("fa:16:3e:00:00:{number:02x}"),
        fixed_ips: vec![FixedIp { subnet_id: subnet.id.clone(), ip_address: Ipv4Addr::new(a, b, c, host).into() }],
        allowed_address_pairs: vec![],
        port_security_enabled: true,
        security_groups: groups.iter().map(|group| group.id.clone()).collect(),
        device_owner: "compute:nova".to_owned(),
        device_id: format!("server-{number}"),
        hostname: format!("vm{number}"),
        admin_state_up: true,
        extra_dhcp_opts: vec![],
    }
}

pub fn group(number: u32, rules: Vec<SecurityGroupRuleSpec>) -> SecurityGroupSpec {
    SecurityGroupSpec { id: SecurityGroupId::new(uuid(5, number)), stateful: true, rules }
}

pub fn rule(direction: Direction, protocol: Option<u8>, ports: Option<(u16, u16)>) -> SecurityGroupRuleSpec {
    SecurityGroupRuleSpec {
        id: uuid(6, 0).into(),
        direction,
        ethertype: Ethertype::Ipv4,
        protocol,
        port_range_min: ports.map(|ports| ports.0),
        port_range_max: ports.map(|ports| ports.1),
        remote_ip_prefix: None,
        remote_group_id: None,
    }
}

pub fn egress() -> SecurityGroupRuleSpec {
    rule(Direction::Egress, None, None)
}

pub fn tcp(port: u16) -> SecurityGroupRuleSpec {
    rule(Direction::Ingress, Some(6), Some((port, port)))
}

pub fn ping() -> SecurityGroupRuleSpec {
    rule(Direction::Ingress, Some(1), Some((8, 0)))
}

/// Everything, in and out, IPv4 and IPv6.
pub fn open_group(number: u32) -> SecurityGroupSpec {
    let v6 = |rule: SecurityGroupRuleSpec| SecurityGroupRuleSpec { ethertype: Ethertype::Ipv6, ..rule };
    let ingress = || rule(Direction::Ingress, None, None);
    group(number, vec![egress(), ingress(), v6(egress()), v6(ingress())])
}
