//! A cloud with fake drivers, and an administrator in it.

use std::path::Path;
use std::time::{Duration, Instant};

use cloudbox::appliance::Appliance;
use kit::config::{Config, DataDir};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::figure::median_ms;

/// The cloud.
pub struct Cloud {
    pub appliance: Appliance,
    pub directory: TempDir,
    pub token: String,
}

/// The configuration of a cloud in `directory`.
pub fn config(directory: &TempDir) -> Config {
    let mut config = Config { data_dir: DataDir(directory.path().join("data")), ..Config::default() };
    config.api.listen = "127.0.0.1:0".parse().expect("an address");
    config.compute.hypervisor = "fake".to_owned();
    config.compute.build_concurrency = 16;
    // The fake guests take no disk.
    config.compute.disk_allocation_ratio = 1000.0;
    config.network.driver = "fake".to_owned();
    config.volume.driver = "fake".to_owned();
    config.network.default_cidr = "10.64.0.0/12".to_owned();
    config
}

impl Cloud {
    /// A new cloud with an administrator logged in and no quotas in the way.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let appliance = Appliance::start(config(&directory)).await.expect("the cloud starts");
        let token = log_in(appliance.public_url(), &directory).await;
        let cloud = Self { appliance, directory, token };
        lift_quotas(&mut cloud.client().await).await;
        cloud
    }

    /// A connection as the administrator.
    pub async fn client(&self) -> Client {
        Client::connect(self.appliance.public_url(), &self.token).await
    }

    /// How long it takes to read `path`, the middle of `times`, in milliseconds.
    pub async fn read_ms(&self, path: &str, times: usize) -> f64 {
        let mut client = self.client().await;
        client.read(path).await;
        let mut taken = Vec::with_capacity(times);
        for _ in 0..times {
            let begun = Instant::now();
            client.read(path).await;
            taken.push(begun.elapsed());
        }
        median_ms(taken)
    }

    /// An active image of a few bytes.
    pub async fn image(&self) -> String {
        make_image(self.appliance.public_url(), &self.token, "raw", b"tiny").await
    }

    /// The id of the network `default`.
    pub async fn network(&self) -> String {
        default_network(&mut self.client().await).await
    }
}

/// The id of the network `default`.
pub async fn default_network(client: &mut Client) -> String {
    let found = client.must(200, "GET", "/network/v2.0/networks?name=default", &Value::Null).await;
    found["networks"][0]["id"].as_str().expect("the default network").to_owned()
}

/// Takes away the limits of the client's own project.
pub async fn lift_quotas(client: &mut Client) {
    let token = client.must(200, "GET", "/identity/v3/auth/tokens", &Value::Null).await;
    let project = token["token"]["project"]["id"].as_str().expect("a project").to_owned();
    let compute = json!({ "quota_set": { "instances": -1, "cores": -1, "ram": -1 } });
    client.must(200, "PUT", &format!("/compute/v2.1/os-quota-sets/{project}"), &compute).await;
    let network = json!({ "quota": { "port": -1, "security_group_rule": -1 } });
    client.must(200, "PUT", &format!("/network/v2.0/quotas/{project}"), &network).await;
}

/// Waits until the cloud that writes to `log` says where it is.
pub async fn ready(log: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("cloudbox is ready at "));
        if let Some(url) = line.and_then(|rest| rest.split_whitespace().next()) {
            return url.to_owned();
        }
        assert!(Instant::now() < deadline, "cloudbox did not get ready:\n{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The request for a server.
pub fn server(image: &str, network: &str, count: usize) -> Value {
    json!({ "server": {
        "name": "s", "imageRef": image, "flavorRef": "1", "networks": [{ "uuid": network }],
        "min_count": count, "max_count": count,
    } })
}

/// Waits until `count` servers are ACTIVE; none may be in ERROR.
pub async fn wait_active(client: &mut Client, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let mut active = 0;
        let mut path = "/compute/v2.1/servers/detail?limit=1000".to_owned();
        loop {
            let page = client.must(200, "GET", &path, &Value::Null).await;
            let servers = page["servers"].as_array().expect("servers");
            let failed = servers.iter().find(|server| server["status"] == "ERROR");
            assert!(failed.is_none(), "{failed:#?}");
            active += servers.iter().filter(|server| server["status"] == "ACTIVE").count();
            match page["servers_links"][0]["href"]
                .as_str()
                .and_then(|href| href.find("/compute/").map(|at| href[at..].to_owned()))
            {
                Some(next) => path = next,
                None => break,
            }
        }
        if active >= count {
            return;
        }
        assert!(Instant::now() < deadline, "{active} of {count} servers became ACTIVE");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A token of the administrator of the cloud in `directory`.
pub async fn log_in(url: &str, directory: &TempDir) -> String {
    let clouds = std::fs::read_to_string(directory.path().join("data/clouds.yaml")).expect("clouds.yaml");
    let line = clouds.lines().find_map(|line| line.trim().strip_prefix("password: ")).expect("a password");
    let password: String = serde_json::from_str(line).expect("a quoted password");
    let domain = json!({ "id": "default" });
    let user = json!({ "name": "admin", "domain": domain, "password": password });
    let body = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "name": "admin", "domain": domain } },
    } });
    let (status, token, _) = Client::connect(url, "").await.send("POST", "/identity/v3/auth/tokens", &body).await;
    assert_eq!(status, 201);
    token.expect("a token")
}

/// Makes an image of `bytes` active; its id.
pub async fn make_image(url: &str, token: &str, format: &str, bytes: &[u8]) -> String {
    let image = json!({ "name": "tiny", "disk_format": format, "container_format": "bare" });
    let made = Client::connect(url, token).await.must(201, "POST", "/image/v2/images", &image).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    upload(url, token, &id, bytes).await;
    id
}

async fn upload(url: &str, token: &str, id: &str, bytes: &[u8]) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = url.strip_prefix("http://").expect("an http URL");
    let mut stream = tokio::net::TcpStream::connect(host).await.expect("the cloud listens");
    let head = format!(
        "PUT /image/v2/images/{id}/file HTTP/1.1\r\nhost: {host}\r\nx-auth-token: {token}\r\ncontent-type: application/octet-stream\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    stream.write_all(bytes).await.expect("the image is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}
