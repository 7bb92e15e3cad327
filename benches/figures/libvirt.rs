//! A server on libvirt against the same domain and overlay made straight through libvirt, by turns.
//!
//! Needs root, QEMU and libvirt's embedded driver, and is left out without them. The image is in the host's cache, nothing
//! boots from it, and each server is deleted before the next is made. Both sides make the overlay with `qemu-img` and define and
//! start a domain of the same XML; with a port libvirt makes the tap on one side, cloudbox also wires, filters and addresses
//! it on the other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hypervisor::{LibvirtConfig, LibvirtDriver, VirtTypeChoice};
use serde_json::{Value, json};
use virt::connect::Connect;
use virt::domain::Domain;

use crate::client::Client;
use crate::cloud::{log_in, make_image, ready};
use crate::figure::{Goal, Report, median_ms};

const TIMES: usize = 9;
/// What the names of the cloud's devices begin with.
const PREFIX: &str = "fig";

const ALONE: &str = "libvirt: server create → ACTIVE";
const ALONE_RATIO: &str = "libvirt: server create → ACTIVE against straight";
const WITH_PORT: &str = "libvirt: server create → ACTIVE with a port";
const WITH_PORT_RATIO: &str = "libvirt: server create → ACTIVE with a port against straight";

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[ALONE, ALONE_RATIO, WITH_PORT, WITH_PORT_RATIO]) {
        return;
    }
    if !rustix::process::geteuid().is_root() || Command::new("qemu-img").arg("--version").output().is_err() {
        println!("  {ALONE}: left out, it needs root and QEMU");
        return;
    }
    let cloud = RealCloud::start().await;
    let straight = Straight::open(cloud.directory.path()).await;
    for (networks, name, ratio, goal) in [
        (json!("none"), ALONE, ALONE_RATIO, Goal::AtMost(1.1)),
        (json!("auto"), WITH_PORT, WITH_PORT_RATIO, Goal::None),
    ] {
        cloud.delete(&cloud.create(&networks).await.id).await;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            let server = cloud.create(&networks).await;
            let xml = cloud.xml(&server.id);
            ours.push(server.taken);
            cloud.delete(&server.id).await;
            theirs.push(straight.create(&xml, &server.id, &cloud.cached_image()));
        }
        let (ours, theirs) = (median_ms(ours), median_ms(theirs));
        report.add(&format!("{name}, median"), ours, "ms", Goal::None);
        report.add(&format!("{ratio} through libvirt"), ours / theirs, "×", goal);
    }
    cloud.stop().await;
}

/// A cloud in a process of its own, on an embedded libvirt and on devices of its own.
struct RealCloud {
    child: tokio::process::Child,
    directory: tempfile::TempDir,
    url: String,
    token: String,
    image: String,
}

struct Created {
    id: String,
    taken: Duration,
}

impl RealCloud {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        // QEMU may run as a user of its own.
        std::fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("a mode");
        let sections = format!("[network]\ndevice_prefix = \"{PREFIX}\"\ndefault_cidr = \"10.249.0.0/24\"\n");
        std::fs::write(root.join("cloudbox.toml"), sections).expect("a configuration");
        let log = std::fs::File::create(root.join("log")).expect("a log");
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_cloudbox"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(root.join("cloudbox.toml"))
            .arg("--data-dir")
            .arg(root.join("data"))
            .arg("--hypervisor")
            .arg(format!("qemu:///embed?root={}", root.join("libvirt").display()))
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("cloudbox starts");
        let url = ready(&root.join("log")).await;
        let token = log_in(&url, &directory).await;
        let disk = root.join("disk.qcow2");
        run(Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&disk).arg("64M"));
        let image = make_image(&url, &token, "qcow2", &std::fs::read(&disk).expect("a disk")).await;
        Self { child, directory, url, token, image }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.url, &self.token).await
    }

    async fn create(&self, networks: &Value) -> Created {
        let mut client = self.client().await;
        let server = json!({ "name": "s", "imageRef": self.image, "flavorRef": "1", "networks": networks });
        let begun = Instant::now();
        let made = client.must(202, "POST", "/compute/v2.1/servers", &json!({ "server": server })).await;
        let id = made["server"]["id"].as_str().expect("an id").to_owned();
        let path = format!("/compute/v2.1/servers/{id}");
        loop {
            let shown = client.must(200, "GET", &path, &Value::Null).await;
            match shown["server"]["status"].as_str() {
                Some("ACTIVE") => return Created { id, taken: begun.elapsed() },
                Some("ERROR") => panic!("{shown:#}"),
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    async fn delete(&self, id: &str) {
        let mut client = self.client().await;
        let path = format!("/compute/v2.1/servers/{id}");
        client.must(204, "DELETE", &path, &Value::Null).await;
        let deadline = Instant::now() + Duration::from_secs(30);
        while client.send("GET", &path, &Value::Null).await.0 != 404 {
            assert!(Instant::now() < deadline, "the server is deleted");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What libvirt was told to make of the server `id`.
    fn xml(&self, id: &str) -> String {
        let files = std::fs::read_dir(self.directory.path().join("libvirt/etc/qemu")).expect("libvirt's configuration");
        files
            .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
            .find(|xml| xml.contains(&format!("<uuid>{id}</uuid>")))
            .expect("the domain is defined")
    }

    fn cached_image(&self) -> PathBuf {
        let cache = std::fs::read_dir(self.directory.path().join("data/image-cache")).expect("the cache");
        cache.filter_map(|file| Some(file.ok()?.path())).next().expect("the image is cached")
    }

    /// Takes the default network down, so that nothing stays on the host.
    async fn stop(mut self) {
        let mut client = self.client().await;
        let routers = client.must(200, "GET", "/network/v2.0/routers", &Value::Null).await;
        for router in routers["routers"].as_array().into_iter().flatten() {
            let path = format!("/network/v2.0/routers/{}", router["id"].as_str().expect("an id"));
            let query = format!("/network/v2.0/ports?device_id={}", router["id"].as_str().expect("an id"));
            let ports = client.must(200, "GET", &query, &Value::Null).await;
            for port in ports["ports"].as_array().into_iter().flatten() {
                let body = json!({ "port_id": port["id"] });
                client.send("PUT", &format!("{path}/remove_router_interface"), &body).await;
            }
            client.must(204, "DELETE", &path, &Value::Null).await;
        }
        let networks = client.must(200, "GET", "/network/v2.0/networks", &Value::Null).await;
        for network in networks["networks"].as_array().into_iter().flatten() {
            let path = format!("/network/v2.0/networks/{}", network["id"].as_str().expect("an id"));
            client.must(204, "DELETE", &path, &Value::Null).await;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while links().contains(PREFIX) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.child.kill().await.expect("it can be stopped");
        for family in ["inet", "bridge"] {
            let _none_left = Command::new("nft").args(["delete", "table", family, PREFIX]).output();
        }
        assert!(!links().contains(PREFIX), "devices are left on the host:\n{}", links());
    }
}

fn links() -> String {
    let output = Command::new("ip").args(["-brief", "link"]).output().expect("ip");
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    all.lines().filter(|line| line.starts_with(PREFIX)).collect::<Vec<_>>().join("\n")
}

/// Libvirt's embedded driver in this process.
struct Straight {
    directory: PathBuf,
    connection: Connect,
    /// Runs libvirt's event loop.
    _driver: Arc<LibvirtDriver>,
}

impl Straight {
    async fn open(below: &Path) -> Self {
        let directory = below.join("straight");
        let uri = format!("qemu:///embed?root={}", directory.join("libvirt").display());
        let virt_type = VirtTypeChoice::Auto;
        let owner = "nobody".to_owned();
        let config = LibvirtConfig { uri: uri.clone(), virt_type, owner, clock: Arc::new(kit::SystemClock) };
        let driver = LibvirtDriver::connect(config).await.expect("libvirt's embedded driver");
        let connection = Connect::open(Some(&uri)).expect("a second connection");
        Self { directory, connection, _driver: driver }
    }

    /// Makes the overlay and the domain; how long that took. They are gone afterwards.
    fn create(&self, xml: &str, id: &str, image: &Path) -> Duration {
        let instance = self.directory.join("data/instances").join(id);
        std::fs::create_dir_all(self.directory.join("data/run")).expect("a directory");
        let base = self.directory.parent().expect("it is below").join("data");
        let mut xml = xml.replace("managed='no'", "");
        for folder in ["instances", "run"] {
            let (from, to) = (base.join(folder), self.directory.join("data").join(folder));
            xml = xml.replace(&from.display().to_string(), &to.display().to_string());
        }
        let begun = Instant::now();
        std::fs::create_dir_all(&instance).expect("a directory");
        let overlay = instance.join("disk");
        let made = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"];
        run(Command::new("qemu-img").args(made).arg(image).arg(&overlay).arg("1G"));
        let domain = Domain::define_xml(&self.connection, &xml).expect("the domain is defined");
        domain.create().expect("the domain starts");
        let taken = begun.elapsed();
        domain.destroy().expect("the domain ends");
        domain.undefine().expect("the domain goes");
        std::fs::remove_dir_all(&instance).expect("the overlay goes");
        taken
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
