//! A host with an agent, in the middle of fake services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bus::topics::compute_types::*;
use bus::topics::image::{Image, ImageLocation};
use bus::{Bus, Message, Options, ServerHandle, Target, Transport};
use hypervisor::{Driver, FakeConfig, FakeDriver};
use kit::config::ComputeConfig;
use kit::ids::*;
use kit::{DomainRef, Identity, PowerState, ProjectRef, RequestContext, Scope, Secret, UserRef};
use tokio_util::sync::CancellationToken;

use super::cloud::{Cloud, FakeVolume};
use crate::ComputeAgent;

/// The host, its directory and the services around it.
pub struct World {
    pub dir: tempfile::TempDir,
    pub bus: Bus,
    pub cloud: Cloud,
    pub driver: Arc<FakeDriver>,
    pub agent: Arc<ComputeAgent>,
    pub image_id: ImageId,
    _services: Vec<ServerHandle>,
    endpoint: Vec<ServerHandle>,
    running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
}

pub fn host() -> HostId {
    "host-1".into()
}

impl World {
    /// The services and the host; the agent answers nobody yet.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
        let cloud = Cloud::default();
        let _services = cloud.serve(&bus);
        let driver = open_driver(&dir.path().join("guests"));
        let agent = make_agent(&bus, &driver, dir.path().join("data"));
        for directory in ["instances", "image-cache", "run"] {
            std::fs::create_dir_all(dir.path().join("data").join(directory)).unwrap();
        }
        let image_id = ImageId::random();
        let world = Self { dir, bus, cloud, driver, agent, image_id, _services, endpoint: Vec::new(), running: None };
        world.add_image();
        world
    }

    /// With the agent started and running.
    pub async fn running() -> Self {
        let mut world = Self::new();
        world.start().await;
        world
    }

    pub async fn start(&mut self) {
        self.endpoint = self.agent.serve(&self.bus);
        self.agent.start().await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&self.agent).run(stop.clone()));
        self.running = Some((stop, task));
    }

    /// Stops the agent in an orderly way.
    pub async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.await.unwrap();
        }
        self.endpoint.clear();
    }

    /// Another process takes over: a new agent, the same directories; the guests are still there.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.driver = open_driver(&self.dir.path().join("guests"));
        self.agent = make_agent(&self.bus, &self.driver, self.data());
        self.start().await;
    }

    /// As [`World::restart`], but the hypervisor is not there.
    pub async fn restart_without_hypervisor(&mut self) {
        self.stop().await;
        self.driver = open_driver(&self.dir.path().join("guests"));
        self.driver.go_away();
        self.agent = make_agent(&self.bus, &self.driver, self.data());
        self.start().await;
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn image_file(&self) -> PathBuf {
        self.dir.path().join("image.raw")
    }

    fn add_image(&self) {
        std::fs::write(self.image_file(), vec![5; 70_000]).unwrap();
        let location = ImageLocation::File { path: self.image_file(), url: "http://127.0.0.1:1/none".to_owned() };
        let image = Image {
            id: self.image_id.clone(),
            name: None,
            status: "active".to_owned(),
            owner: None,
            disk_format: Some("raw".to_owned()),
            container_format: Some("bare".to_owned()),
            size_bytes: 70_000,
            virtual_size_bytes: None,
            min_disk_gb: 0,
            min_ram_mb: 0,
            sha512: None,
            properties: BTreeMap::new(),
            location: Some(location),
        };
        self.cloud.lock().images.insert(self.image_id.clone(), image);
    }

    /// A server that a host has been claimed for.
    pub fn new_server(&self) -> Instance {
        let instance = sample(&self.image_id);
        self.insert(&instance);
        instance
    }

    pub fn insert(&self, instance: &Instance) {
        self.cloud.lock().instances.insert(instance.id.clone(), instance.clone());
    }

    /// A server with a volume to make, one that it was given, and a config drive.
    pub fn new_rich_server(&self) -> Instance {
        let mut instance = sample(&self.image_id);
        let given = VolumeId::random();
        let attachment = AttachmentId::random();
        let mut volume = FakeVolume::new("reserved");
        volume.attachments.insert(instance.id.clone(), attachment.clone());
        self.cloud.lock().volumes.insert(given.clone(), volume);
        let blank = BlockDevice { source: BlockSource::Blank, delete_on_termination: true, ..block_device(2) };
        let volume = BlockDevice { volume_id: Some(given), attachment_id: Some(attachment), ..block_device(3) };
        instance.block_devices.extend([blank, volume]);
        instance.config_drive = true;
        self.insert(&instance);
        instance
    }

    /// Sends `message` as a user would have it sent.
    pub fn cast<M: Message>(&self, message: M) {
        self.bus.client("test").cast(&user(), Target::host(&host()), message).unwrap();
    }

    pub async fn call<M: Message>(&self, message: M) -> Result<M::Reply, kit::Fault> {
        self.bus.client("test").call(&user(), Target::host(&host()), message).await
    }

    pub fn instance(&self, id: &ServerId) -> Instance {
        self.cloud.lock().instances.get(id).unwrap().clone()
    }

    /// A server that was built.
    pub async fn built(&self, instance: &Instance) {
        self.cast(bus::topics::compute_agent::BuildInstance { server_id: instance.id.clone() });
        let id = instance.id.clone();
        self.cloud
            .until("the build", |state| {
                assert!(state.build_failures.is_empty(), "{:?}", state.build_failures);
                state.instances.get(&id).is_some_and(|instance| instance.vm_state == VmState::Active)
                    && state.journals.is_empty()
            })
            .await;
    }

    /// A queued image that is to be made of the server; the server has the task.
    pub fn ask_for_image(&self, id: &ServerId) -> ImageId {
        let image_id = ImageId::random();
        let mut state = self.cloud.lock();
        let image = state.images[&self.image_id].clone();
        let image = Image { id: image_id.clone(), status: "queued".to_owned(), location: None, ..image };
        state.images.insert(image_id.clone(), image);
        let instance = state.instances.get_mut(id).unwrap();
        instance.snapshot_image = Some(image_id.clone());
        instance.task_state = Some(TaskState::ImageSnapshotPending);
        image_id
    }

    pub fn set_task(&self, id: &ServerId, task: TaskState) {
        self.cloud.lock().instances.get_mut(id).unwrap().task_state = Some(task);
    }

    /// Panics where anything of the server is left on the host or with the services but what it was given.
    pub async fn assert_clean(&self, case: &str) {
        assert_eq!(self.driver.list().await.unwrap(), [], "{case}: guests");
        let left: Vec<_> = std::fs::read_dir(self.data().join("instances")).unwrap().collect();
        assert!(left.is_empty(), "{case}: {left:?}");
        let drafts = std::fs::read_dir(self.data().join("image-cache")).unwrap();
        assert!(
            drafts.flatten().all(|entry| !entry.file_name().to_string_lossy().ends_with(".part")),
            "{case}: drafts"
        );
        let state = self.cloud.lock();
        assert!(state.ports.is_empty(), "{case}: ports");
        assert!(state.journals.is_empty(), "{case}: journals");
        assert!(state.volumes.len() <= 1, "{case}: {:?}", state.volumes);
        for volume in state.volumes.values() {
            assert!(!volume.connected && volume.status != "in-use", "{case}: {volume:?}");
        }
    }
}

fn open_driver(dir: &std::path::Path) -> Arc<FakeDriver> {
    FakeDriver::open(FakeConfig { dir: Some(dir.to_owned()), ..FakeConfig::default() }).unwrap()
}

fn make_agent(bus: &Bus, driver: &Arc<FakeDriver>, data: PathBuf) -> Arc<ComputeAgent> {
    let config = ComputeConfig { hypervisor: "fake".to_owned(), shutdown_timeout_secs: 1, ..ComputeConfig::default() };
    ComputeAgent::new(bus, driver.clone(), host(), config, data, None)
}

pub fn user() -> RequestContext {
    let domain = DomainRef { id: "default".into(), name: "Default".to_owned() };
    let identity: Identity = Identity {
        user: UserRef { id: "u".into(), name: "u".to_owned(), domain: domain.clone(), password_expires_at: None },
        scope: Scope::Project(ProjectRef { id: "p".into(), name: "p".to_owned(), domain }),
        basis: kit::Basis::User,
        roles: Vec::new(),
        issued_at: kit::Timestamp::UNIX_EPOCH,
        expires_at: kit::Timestamp::MAX,
        methods: Vec::new(),
        audit_ids: Vec::new(),
        authentication_micros: 0,
    };
    RequestContext::anonymous().with_user(Arc::new(identity), Secret::new("user-token")).traced()
}

/// A mapping of a new volume of 1 GiB.
pub fn block_device(id: i64) -> BlockDevice {
    BlockDevice {
        id,
        source: BlockSource::Volume,
        destination: BlockDestination::Volume,
        image_id: None,
        snapshot_id: None,
        volume_id: None,
        size_gb: Some(1),
        volume_type: None,
        delete_on_termination: false,
        boot_index: None,
        device_name: None,
        disk_bus: None,
        device_type: None,
        guest_format: None,
        tag: None,
        attachment_id: None,
        connection: None,
    }
}

/// A server as it is when a host has been claimed for it.
pub fn sample(image_id: &ImageId) -> Instance {
    let root = BlockDevice {
        source: BlockSource::Image,
        destination: BlockDestination::Local,
        image_id: Some(image_id.clone()),
        delete_on_termination: true,
        boot_index: Some(0),
        ..block_device(1)
    };
    Instance {
        id: ServerId::random(),
        name: "web".to_owned(),
        hostname: "web".to_owned(),
        instance_name: format!("instance-{}", &ServerId::random().as_str()[..8]),
        project_id: "p".into(),
        user_id: "u".into(),
        request_id: "req-1".to_owned(),
        host: Some(host()),
        availability_zone: Some("nova".to_owned()),
        vm_state: VmState::Building,
        task_state: Some(TaskState::Scheduling),
        power_state: PowerState::NoState,
        flavor: FlavorSpec {
            id: "1".into(),
            name: "m1.tiny".to_owned(),
            vcpus: 1,
            ram_mb: 512,
            disk_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            extra_specs: BTreeMap::new(),
        },
        image_id: Some(image_id.clone()),
        snapshot_image: None,
        networks: vec![RequestedNetwork { network_id: Some("n1".into()), ..RequestedNetwork::default() }],
        security_groups: Vec::new(),
        network_info: Vec::new(),
        block_devices: vec![root],
        root_device_name: None,
        key: None,
        user_data: Some(Secret::new("c2VjcmV0LXVzZXItZGF0YQ==")),
        config_drive: false,
        metadata: BTreeMap::new(),
        admin_password: Some(Secret::new("secret-password")),
        launch_index: 0,
        reservation_id: "r-1".to_owned(),
        created_at: kit::time::from_micros(1_795_354_234_000_000),
    }
}

impl World {
    /// A volume that is reserved for a server, with its mapping, and the message that has it attached.
    pub fn reserve_volume(&self, id: &ServerId) -> (Instance, bus::topics::compute_agent::AttachVolume) {
        let (volume_id, attachment_id) = (VolumeId::random(), AttachmentId::random());
        let mut volume = FakeVolume::new("reserved");
        volume.attachments.insert(id.clone(), attachment_id.clone());
        let mut instance = self.instance(id);
        let (volume_mapped, attachment) = (Some(volume_id.clone()), Some(attachment_id.clone()));
        let device_name = Some("/dev/vdb".to_owned());
        let device =
            BlockDevice { volume_id: volume_mapped, attachment_id: attachment, device_name, ..block_device(9) };
        instance.block_devices.push(device);
        self.insert(&instance);
        self.cloud.lock().volumes.insert(volume_id.clone(), volume);
        let message = bus::topics::compute_agent::AttachVolume {
            server_id: id.clone(),
            volume_id,
            block_device_id: 9,
            attachment_id,
            device_name: "/dev/vdb".to_owned(),
        };
        (instance, message)
    }

    /// Whether the guest has, now and at its next start, a disk with this serial number.
    pub fn has_disk(&self, id: &ServerId, serial: &str) -> bool {
        let path = self.dir.path().join("guests").join(format!("{id}.json"));
        std::fs::read_to_string(path).unwrap().contains(serial)
    }
}

impl World {
    /// Waits until nothing is done to the server.
    pub async fn wait_idle(&self, id: &ServerId) {
        let wait = async {
            while self.agent.is_owned(id) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.unwrap();
    }
}
