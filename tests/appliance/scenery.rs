//! What servers need and what becomes of them: an image, a flavor, a network; waiting for a status; counting what is held.

use std::collections::BTreeSet;
use std::path::Path;

use hyper::Method;
use hypervisor::Driver as _;
use serde_json::{Value, json};

use crate::client::Client;
use crate::world::{World, id_of, until};

/// Where Nova's servers are.
pub const SERVERS: &str = "/compute/v2.1/servers";

/// What a disk of nothing but zeros looks like.
pub fn raw_disk() -> Vec<u8> {
    vec![0; 64 << 10]
}

/// A raw image of the caller's, with its bytes.
pub async fn image(client: &Client, name: &str) -> String {
    let body = json!({ "name": name, "disk_format": "raw", "container_format": "bare" });
    image_of(client, body, raw_disk()).await
}

/// An image as `body` describes it, with `bytes`.
pub async fn image_of(client: &Client, body: Value, bytes: Vec<u8>) -> String {
    let id = id_of(&client.post("/image/v2/images", body).await.expect(201));
    let upload = client.call(Method::PUT, &format!("/image/v2/images/{id}/file"));
    upload.bytes("application/octet-stream", bytes).send().await.expect(204);
    id
}

/// A flavor of one processor, 64 MiB and a disk of 1 GiB, as changed by `more`.
pub async fn flavor(world: &World, name: &str, more: Value) -> String {
    let mut flavor = json!({ "name": name, "vcpus": 1, "ram": 64, "disk": 1 });
    merge(&mut flavor, more);
    id_of(&world.admin.post("/compute/v2.1/flavors", json!({ "flavor": flavor })).await.expect(200)["flavor"])
}

/// A network of the caller's with a subnet.
pub async fn network(client: &Client, cidr: &str) -> (String, String) {
    let body = json!({ "network": { "name": "net" } });
    let network = id_of(&client.post("/network/v2.0/networks", body).await.expect(201)["network"]);
    let body = json!({ "subnet": { "network_id": network, "ip_version": 4, "cidr": cidr } });
    let subnet = id_of(&client.post("/network/v2.0/subnets", body).await.expect(201)["subnet"]);
    (network, subnet)
}

/// A project with an image, a flavor and a network: all that its servers need.
pub struct Tenant {
    /// Its member.
    pub client: Client,
    /// The image.
    pub image: String,
    /// The flavor.
    pub flavor: String,
    /// The network.
    pub network: String,
}

impl Tenant {
    /// A new project called `name`.
    pub async fn new(world: &World, name: &str) -> Self {
        let client = world.member(name).await;
        let image = image(&client, "disk").await;
        let flavor = flavor(world, &format!("small-{name}"), json!({})).await;
        let network = network(&client, "192.168.7.0/24").await.0;
        Self { client, image, flavor, network }
    }

    /// The body of a create of a server called `name`, as changed by `more`.
    pub fn server(&self, name: &str, more: Value) -> Value {
        let mut server = json!({
            "name": name, "imageRef": self.image, "flavorRef": self.flavor, "networks": [{ "uuid": self.network }]
        });
        merge(&mut server, more);
        json!({ "server": server })
    }

    /// Asks for a server; its id.
    pub async fn create(&self, name: &str, more: Value) -> String {
        id_of(&self.client.post(SERVERS, self.server(name, more)).await.expect(202)["server"])
    }

    /// A server that runs.
    pub async fn boot(&self, name: &str, more: Value) -> String {
        let id = self.create(name, more).await;
        becomes(&self.client, &id, "ACTIVE").await;
        id
    }

    /// Asks for something to be done to a server.
    pub async fn act(&self, server: &str, action: Value) {
        self.client.post(&format!("{SERVERS}/{server}/action"), action).await.expect(202);
    }

    /// Deletes a server and waits until it is gone.
    pub async fn delete(&self, server: &str) {
        self.client.delete(&format!("{SERVERS}/{server}")).await.expect(204);
        gone(&self.client, &format!("{SERVERS}/{server}")).await;
    }

    /// A volume that can be attached.
    pub async fn volume(&self, more: Value) -> String {
        let mut volume = json!({ "size": 1, "name": "data" });
        merge(&mut volume, more);
        let answer = self.client.post("/volume/v3/volumes", json!({ "volume": volume })).await;
        let id = id_of(&answer.expect(202)["volume"]);
        volume_becomes(&self.client, &id, "available").await;
        id
    }
}

/// Waits until a server has this status and nothing is being done to it; what it is then.
pub async fn becomes(client: &Client, server: &str, status: &str) -> Value {
    until(&format!("server {server} to be {status}"), || async {
        let shown = client.get(&format!("{SERVERS}/{server}")).await.expect(200)["server"].take();
        let settled = shown["OS-EXT-STS:task_state"].is_null();
        if shown["status"] == status && settled {
            return Ok(shown);
        }
        assert!(shown["status"] != "ERROR" || status == "ERROR", "server {server} failed: {}", shown["fault"]);
        Err(format!("{} {}", shown["status"], shown["OS-EXT-STS:task_state"]))
    })
    .await
}

/// Waits until a volume has this status; what it is then.
pub async fn volume_becomes(client: &Client, volume: &str, status: &str) -> Value {
    until(&format!("volume {volume} to be {status}"), || async {
        let shown = client.get(&format!("/volume/v3/volumes/{volume}")).await.expect(200)["volume"].take();
        if shown["status"] == status { Ok(shown) } else { Err(shown["status"].to_string()) }
    })
    .await
}

/// Waits until there is nothing at `path`.
pub async fn gone(client: &Client, path: &str) {
    until(&format!("{path} to be gone"), || async {
        match client.get(path).await.status {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
}

/// Everything that servers hold in the whole cloud.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// Guests of the hypervisor.
    pub guests: BTreeSet<String>,
    /// Ports on the host.
    pub wired: usize,
    /// Ports of servers.
    pub ports: BTreeSet<String>,
    /// Volumes that are not available.
    pub volumes_in_use: usize,
    /// All volumes, on the host.
    pub volumes: usize,
    /// Processors and memory that are taken, as the hypervisor's statistics say.
    pub taken: (u64, u64),
    /// Files below the guests' directory.
    pub files: BTreeSet<String>,
}

/// Counts it.
pub async fn held(world: &World) -> Held {
    let guests = world.guests.list().await.unwrap().into_iter().map(|(id, _)| id.to_string()).collect();
    let ports = world.admin.get("/network/v2.0/ports").await.expect(200);
    let of_servers = |port: &&Value| port["device_owner"].as_str().is_some_and(|owner| owner.starts_with("compute:"));
    let ports = ports["ports"].as_array().unwrap().iter().filter(of_servers).map(id_of).collect();
    let volumes = world.admin.get("/volume/v3/volumes/detail?all_tenants=1").await.expect(200);
    let in_use = volumes["volumes"].as_array().unwrap().iter().filter(|volume| volume["status"] != "available").count();
    let used = world.admin.get("/compute/v2.1/os-hypervisors/statistics").await.expect(200);
    let used = &used["hypervisor_statistics"];
    let mut files = BTreeSet::new();
    walk(&world.directory().join("instances"), &mut files);
    Held {
        guests,
        wired: world.network.state().ports.len(),
        ports,
        volumes_in_use: in_use,
        volumes: world.volumes.volumes().len(),
        taken: (used["vcpus_used"].as_u64().unwrap(), used["memory_mb_used"].as_u64().unwrap()),
        files,
    }
}

/// Waits until exactly this is held.
pub async fn holds(world: &World, wanted: &Held) {
    until("everything to be given back", || async {
        let now = held(world).await;
        if now == *wanted { Ok(()) } else { Err(format!("{now:#?}\ninstead of {wanted:#?}")) }
    })
    .await;
}

fn walk(directory: &Path, found: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.map(Result::unwrap) {
        found.insert(entry.path().display().to_string());
        walk(&entry.path(), found);
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        for (key, value) in more {
            if value.is_null() {
                into.remove(&key)
            } else {
                into.insert(key, value)
            };
        }
    }
}
