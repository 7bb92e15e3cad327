//! The service on a throw-away store, and peers that do what they are told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bus::topics::compute_types::{TaskState, Vif, VifAddress, VmState};
use bus::topics::conductor::{HostInventory, InstanceChange};
use bus::topics::{compute_agent, image, network, scheduler, volume};
use bus::{Bus, Options, ServerHandle, Transport};
use http_kit::testing::{Answer, KnownTokens, call};
use http_kit::{App, Limits};
use kit::ids::{HostId, ServerId};
use kit::{Fault, ManualClock, PowerState, Timestamp};
use serde_json::Value;
use store::testing::TestStore;

use crate::db::{block_devices, hosts, instances};
use crate::{Compute, MIGRATIONS};

/// The image that there is.
pub(super) const IMAGE: &str = "0a7bfd9e-1216-44dc-9ecb-64fad787ee2c";
/// The network that there is.
pub(super) const NETWORK: &str = "a5f91db5-9b31-40af-be0a-32f50bca94c1";
/// The volume that there is.
pub(super) const VOLUME: &str = "5f91dba5-9b31-40af-be0a-32f50bca94c2";

/// What the peers were told, and how they answer.
#[derive(Default)]
pub(super) struct World {
    /// Messages, in order: `StopInstance`, `ReserveVolume`, ….
    pub(super) heard: Vec<String>,
    /// The images of servers that were to be made.
    pub(super) snapshots: Vec<image::CreateSnapshot>,
    /// Whether the scheduler finds no host, and the image service takes no image.
    pub(super) full: bool,
    /// The volume's status.
    pub(super) volume_status: String,
    /// Whether the scheduler leaves servers as they are, on their host.
    pub(super) slow: bool,
}

pub(super) struct Fixture {
    pub(super) app: App,
    pub(super) compute: Arc<Compute>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) world: Arc<Mutex<World>>,
    _store: TestStore,
    _peers: Vec<ServerHandle>,
}

impl Fixture {
    /// A cloud of one host, `h1`, with the default flavors.
    pub(super) async fn new() -> Self {
        let store = store::testing::store(&[MIGRATIONS]);
        let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
        let start: Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let compute = Compute::new(store.clone(), &bus, clock.clone(), kit::config::ComputeConfig::default());
        compute.bootstrap().await.unwrap();
        let world = Arc::new(Mutex::new(World { volume_status: "available".into(), ..World::default() }));
        let peers = peers(&bus, &compute, &world);
        let service = compute.rest().authenticator(Arc::new(tokens()));
        let app = App::new(Limits::default(), clock.clone()).public_url("http://c").mount(service).build().unwrap();
        let fixture = Self { app, compute, clock, world, _store: store, _peers: peers };
        fixture.heartbeat().await;
        fixture
    }

    /// The host says that it is there.
    pub(super) async fn heartbeat(&self) {
        let now = self.compute.now();
        let upsert = move |db: &rusqlite::Connection| hosts::upsert(db, &"h1".into(), ("u1", "s1"), &inventory(), now);
        self.compute.store.write(upsert).await.unwrap();
    }

    /// Sends a request in microversion 2.`minor`.
    pub(super) async fn send(&self, token: &str, minor: u16, method: &str, path: &str, body: Value) -> Answer {
        let version = format!("compute 2.{minor}");
        let headers = [("openstack-api-version", version.as_str()), ("content-type", "application/json")];
        call(&self.app, token, method, &format!("/compute/v2.1{path}"), &headers, &body).await.unwrap()
    }

    /// As `member`, at 2.1.
    pub(super) async fn member(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send("member", 1, method, path, body).await
    }

    /// A `GET` that must succeed.
    pub(super) async fn get(&self, token: &str, minor: u16, path: &str) -> Value {
        let answer = self.send(token, minor, "GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Makes a server that runs; answers its id.
    pub(super) async fn boot(&self, name: &str) -> String {
        let answer = self.member("POST", "/servers", server(name)).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["server"]["id"].as_str().unwrap().to_owned()
    }

    /// What the peers heard since it was last asked.
    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().heard)
    }

    /// Waits until a cast has arrived.
    pub(super) async fn hears(&self, message: &str) {
        for _ in 0..500 {
            if self.world.lock().unwrap().heard.iter().any(|heard| heard == message) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{message} was not heard: {:?}", self.heard());
    }

    /// Changes a server's row as its host would.
    pub(super) async fn set(&self, id: &str, vm_state: VmState, task: Option<TaskState>) {
        let (id, now) = (ServerId::new(id), self.compute.now());
        let change = InstanceChange { vm_state: Some(vm_state), task_state: Some(task), ..InstanceChange::default() };
        self.compute.store.write(move |db| instances::update(db, &id, &[], &change, now)).await.unwrap();
    }
}

/// The smallest body that makes a server.
pub(super) fn server(name: &str) -> Value {
    serde_json::json!({ "server": {
        "name": name, "flavorRef": "1", "imageRef": IMAGE, "networks": [{ "uuid": NETWORK }]
    }})
}

pub(super) fn message(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let text = body.as_object().and_then(|body| body.values().next()).and_then(|fault| fault["message"].as_str());
    (answer.status, text.unwrap_or_default().to_owned())
}

fn tokens() -> KnownTokens {
    let other = http_kit::testing::identity("other-project", "other-user", &["member", "reader"]);
    KnownTokens::usual().with("other", other)
}

fn inventory() -> HostInventory {
    HostInventory {
        hypervisor_type: "fake".into(),
        hypervisor_version: 1000,
        virt_type: "qemu".into(),
        hypervisor_hostname: "h1".into(),
        host_ip: "127.0.0.1".into(),
        cpu_info: "{}".into(),
        vcpus: 4,
        memory_mb: 8192,
        disk_gb: 100,
        disk_free_gb: 90,
        memory_used_mb: 512,
        running_vms: 0,
    }
}

type Shared = Arc<Mutex<World>>;

fn hear(world: &Shared, what: &str) {
    world.lock().unwrap().heard.push(what.to_owned());
}

fn peers(bus: &Bus, compute: &Arc<Compute>, world: &Shared) -> Vec<ServerHandle> {
    vec![
        images(bus, world),
        networks(bus, world),
        volumes(bus, world),
        schedules(bus, compute, world),
        host(bus, world),
    ]
}

fn images(bus: &Bus, world: &Shared) -> ServerHandle {
    let world = world.clone();
    bus.server(image::TOPIC)
        .on(|_, asked: image::GetImage| async move {
            if asked.image_id.as_str() != IMAGE {
                return Err(Fault::not_found("no such image"));
            }
            Ok(image::Image {
                id: asked.image_id,
                name: Some("tiny".into()),
                status: "active".into(),
                owner: None,
                disk_format: Some("qcow2".into()),
                container_format: Some("bare".into()),
                size_bytes: 1 << 20,
                virtual_size_bytes: Some(1 << 26),
                min_disk_gb: 0,
                min_ram_mb: 0,
                sha512: None,
                properties: BTreeMap::from([("hw_rng_model".into(), "virtio".into()), ("x".into(), "y".into())]),
                location: None,
            })
        })
        .on(move |_, asked: image::CreateSnapshot| {
            let full = world.lock().unwrap().full;
            world.lock().unwrap().snapshots.push(asked);
            async move { if full { Err(Fault::too_large("The project may have no more images.")) } else { Ok(()) } }
        })
        .start()
}

fn networks(bus: &Bus, world: &Shared) -> ServerHandle {
    let world = world.clone();
    bus.server(network::TOPIC)
        .on(|_, asked: network::ValidateNetworks| async move {
            let networks = match asked.requested {
                network::NetworkRequest::These(list) => list,
                _ => Vec::new(),
            };
            if networks.iter().any(|network| network.network_id.as_ref().is_some_and(|id| id.as_str() != NETWORK)) {
                return Err(Fault::bad_request("Network x could not be found."));
            }
            let security_groups =
                vec![bus::topics::compute_types::SecurityGroupRef { id: "g1".into(), name: "default".into() }];
            Ok(network::ValidatedNetworks { networks, security_groups })
        })
        .on(move |_, _: network::DeallocateForInstance| {
            hear(&world, "DeallocateForInstance");
            async { Ok(()) }
        })
        .start()
}

fn volumes(bus: &Bus, world: &Shared) -> ServerHandle {
    let (status, reserve, begin, end) = (world.clone(), world.clone(), world.clone(), world.clone());
    bus.server(volume::TOPIC)
        .on(move |_, asked: volume::GetVolume| {
            let status = status.lock().unwrap().volume_status.clone();
            async move {
                if asked.volume_id.as_str() != VOLUME {
                    return Err(Fault::not_found("no such volume"));
                }
                Ok(volume::Volume {
                    id: asked.volume_id,
                    name: None,
                    project_id: "project".into(),
                    size_gb: 3,
                    status,
                    bootable: true,
                    multiattach: false,
                    availability_zone: "nova".into(),
                    image_id: None,
                    image_metadata: BTreeMap::new(),
                })
            }
        })
        .on(move |_, _: volume::ReserveVolume| {
            hear(&reserve, "ReserveVolume");
            async { Ok("attachment-1".into()) }
        })
        .on(move |_, _: volume::BeginDetaching| {
            hear(&begin, "BeginDetaching");
            async { Ok(()) }
        })
        .on(move |_, _: volume::DetachVolume| {
            hear(&end, "EndAttachment");
            async { Ok(()) }
        })
        .start()
}

/// A scheduler whose host builds at once.
fn schedules(bus: &Bus, compute: &Arc<Compute>, world: &Shared) -> ServerHandle {
    let (compute, world) = (compute.clone(), world.clone());
    bus.server(scheduler::TOPIC)
        .on(move |_, asked: scheduler::SelectDestinations| {
            let (compute, world) = (compute.clone(), world.clone());
            async move {
                hear(&world, "SelectDestinations");
                if world.lock().unwrap().full {
                    return Err(Fault::no_valid_host("No valid host was found. RamFilter left 0 of 1 hosts."));
                }
                let slow = world.lock().unwrap().slow;
                let host = HostId::new("h1");
                for id in &asked.servers {
                    build(&compute, id.clone(), host.clone(), slow).await?;
                }
                let to = |id: ServerId| scheduler::Destination { server_id: id, host: host.clone() };
                Ok(asked.servers.into_iter().map(to).collect())
            }
        })
        .start()
}

async fn build(compute: &Compute, id: ServerId, host: HostId, slow: bool) -> Result<(), Fault> {
    let now = compute.now();
    let built = move |db: &rusqlite::Connection| {
        assert!(instances::claim(db, &id, &host, now)?);
        if slow {
            return Ok(());
        }
        let change = InstanceChange {
            vm_state: Some(VmState::Active),
            task_state: Some(None),
            power_state: Some(PowerState::Running),
            network_info: Some(vec![vif()]),
            launched_at: Some(now),
            root_device_name: Some("/dev/vda".into()),
        };
        instances::update(db, &id, &[Some(TaskState::Scheduling)], &change, now)?;
        assert!(!block_devices::of_instance(db, &id)?.is_empty());
        Ok::<_, store::Error>(())
    };
    compute.store.write(built).await.map_err(Fault::from)
}

fn vif() -> Vif {
    Vif {
        port_id: "port-1".into(),
        network_id: NETWORK.into(),
        label: "a".into(),
        mac: "fa:16:3e:9d:57:5e".into(),
        mtu: 1500,
        fixed_ips: vec![VifAddress {
            subnet_id: "subnet-1".into(),
            address: "10.9.0.90".parse().unwrap(),
            cidr: "10.9.0.0/24".parse().unwrap(),
            gateway: None,
            dns: Vec::new(),
            routes: Vec::new(),
            dhcp: true,
            floating: Vec::new(),
        }],
        preserve_on_delete: false,
        device: Some("tap1".into()),
        tag: None,
    }
}

/// A host that only listens.
fn host(bus: &Bus, world: &Shared) -> ServerHandle {
    macro_rules! listen {
        ($server:expr, $($message:ident),+) => {{
            let mut server = $server;
            $(
                let heard = Arc::clone(world);
                server = server.on(move |_, _: compute_agent::$message| {
                    hear(&heard, stringify!($message));
                    async { Ok(()) }
                });
            )+
            server
        }};
    }
    let server = bus.server(compute_agent::TOPIC).on_host(&"h1".into());
    listen!(server, TerminateInstance, StartInstance, StopInstance, RebootInstance, AttachVolume, DetachVolume, SnapshotInstance)
        .on(|_, asked: compute_agent::GetConsoleOutput| async move {
            Ok(format!("login:\u{7}\nlast {:?} lines", asked.lines))
        })
        .on(|_, _: compute_agent::GetVncEndpoint| async { Ok(compute_agent::ConsoleEndpoint::Tcp(5900)) })
        .start()
}
