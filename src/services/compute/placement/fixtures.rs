//! For the tests of what answers the bus: a whole compute service with hosts that are fakes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::topics::compute_agent as agent;
use bus::topics::compute_types::{FlavorSpec, TaskState, VmState};
use bus::topics::conductor::{HostInventory, HostRegistered, RegisterHost};
use bus::topics::scheduler::{Destination, RequestSpec, SelectDestinations};
use bus::{Bus, Client, Message, Options, ServerHandle, Target, Transport};
use kit::config::ComputeConfig;
use kit::ids::{HostId, ServerId};
use kit::{Fault, ManualClock, PowerState, RequestContext};
use store::testing::TestStore;

use crate::Compute;
use crate::db::instances::{self, InstanceRow};
use crate::db::server_groups::{self, ServerGroup};
use crate::domain::snapshot::Origin;

/// What the fake hosts were told: host, method, server.
pub(crate) type Told = Arc<Mutex<Vec<(String, &'static str, String)>>>;

/// A compute service on a bus that takes everything through its bytes.
pub(crate) struct Cloud {
    /// Its tables.
    pub(crate) store: TestStore,
    /// Its clock.
    pub(crate) clock: Arc<ManualClock>,
    /// The service.
    pub(crate) compute: Arc<Compute>,
    /// What the hosts were told.
    pub(crate) told: Told,
    /// Where its topics are.
    pub(crate) bus: Bus,
    client: Client,
    handles: Mutex<Vec<ServerHandle>>,
}

impl Cloud {
    /// A cloud without hosts. Memory and disk are sold once, CPUs four times, nothing is reserved.
    pub(crate) fn new() -> Self {
        let config = ComputeConfig { reserved_host_memory_mb: 0, ..ComputeConfig::default() };
        let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
        let store = store::testing::store(&[crate::MIGRATIONS]);
        let clock = Arc::new(ManualClock::new(kit::time::from_micros(1_795_354_234_000_000)));
        let compute = Compute::new(store.clone(), &bus, clock.clone(), config);
        let handles = Mutex::new(compute.serve(&bus));
        Self { store, clock, compute, told: Told::default(), client: bus.client("test"), bus, handles }
    }

    /// A call of an agent or a service.
    pub(crate) async fn call<M: Message>(&self, message: M) -> Result<M::Reply, Fault> {
        self.client.call(&RequestContext::service("test"), Target::Any, message).await
    }

    /// A host registers, or sends its heartbeat.
    pub(crate) async fn register(&self, host: &str, inventory: HostInventory, starting: bool) -> HostRegistered {
        self.call(RegisterHost { host: host.into(), inventory, starting }).await.unwrap()
    }

    /// A host whose agent answers on the bus and remembers what it was told.
    pub(crate) async fn host(&self, host: &str, inventory: HostInventory) {
        self.agent(host);
        self.register(host, inventory, true).await;
    }

    /// The agent of a host.
    pub(crate) fn agent(&self, host: &str) {
        let server = self.bus.server(agent::TOPIC).on_host(&HostId::new(host));
        let server = self.remembers(server, host, |m: agent::BuildInstance| m.server_id);
        let server = self.remembers(server, host, |m: agent::TerminateInstance| m.server_id);
        let server = self.remembers(server, host, |m: agent::StartInstance| m.server_id);
        let server = self.remembers(server, host, |m: agent::StopInstance| m.server_id);
        let server = self.remembers(server, host, |m: agent::RebootInstance| m.server_id);
        self.handles.lock().unwrap().push(server.start());
    }

    fn remembers<M: Message<Reply = ()>>(&self, server: bus::Server, host: &str, id: fn(M) -> ServerId) -> bus::Server {
        let (told, host) = (Arc::clone(&self.told), host.to_owned());
        server.on(move |_, message: M| {
            told.lock().unwrap().push((host.clone(), M::METHOD, id(message).to_string()));
            std::future::ready(Ok(()))
        })
    }

    /// What the hosts were told, once it is `count` messages: as lines in alphabetical order.
    pub(crate) async fn told(&self, count: usize) -> Vec<String> {
        let all = || self.told.lock().unwrap().clone();
        tokio::time::timeout(Duration::from_secs(10), async {
            while all().len() < count {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("only {:?} was told", all()));
        let mut lines: Vec<_> = all().into_iter().map(|(host, method, id)| format!("{host} {method} {id}")).collect();
        lines.sort();
        lines
    }

    /// Servers that wait for a host.
    pub(crate) async fn servers(&self, names: &[&str]) {
        for name in names {
            self.insert(row(name)).await;
        }
    }

    /// A server.
    pub(crate) async fn insert(&self, row: InstanceRow) {
        self.store.write(move |conn| instances::insert(conn, &row)).await.unwrap();
    }

    /// A server's row.
    pub(crate) async fn row(&self, name: &str) -> Option<InstanceRow> {
        let id = ServerId::new(name);
        self.store.read(move |conn| instances::get(conn, &id)).await.unwrap()
    }

    /// `vm_state/task_state@host` of a server.
    pub(crate) async fn state(&self, name: &str) -> String {
        let Some(row) = self.row(name).await else { return "gone".to_owned() };
        let task = row.task_state.map_or("-", TaskState::as_str);
        format!("{}/{task}@{}", row.vm_state, row.host.map_or("-".to_owned(), |host| host.to_string()))
    }

    /// A server group with members.
    pub(crate) async fn group(&self, policy: &str, members: &[&str]) {
        let group = ServerGroup {
            id: "g".into(),
            name: "g".into(),
            project_id: "p".into(),
            user_id: "u".into(),
            policy: policy.into(),
            rules: BTreeMap::new(),
            members: Vec::new(),
        };
        let members: Vec<ServerId> = members.iter().map(ServerId::new).collect();
        self.store
            .write(move |conn| {
                server_groups::insert(conn, &group, kit::time::from_micros(0))?;
                members.iter().try_for_each(|id| server_groups::insert_member(conn, "g", id))
            })
            .await
            .unwrap();
    }

    /// Has hosts chosen.
    pub(crate) async fn select(&self, servers: &[&str], spec: RequestSpec) -> Result<Vec<String>, Fault> {
        let servers = servers.iter().map(ServerId::new).collect();
        let chosen = self.call(SelectDestinations { servers, spec }).await?;
        Ok(chosen.into_iter().map(|Destination { server_id, host }| format!("{server_id}@{host}")).collect())
    }

    /// Promised of each class on each host, as the tables have it: `host: class used=sum of allocations, …`.
    pub(crate) async fn used(&self) -> Vec<(String, String, i64, i64, i64)> {
        const SQL: &str =
            "SELECT h.host, i.resource_class, i.used, CAST((total - reserved) * allocation_ratio AS INTEGER),
            (SELECT COALESCE(SUM(a.used), 0) FROM compute_allocations a
                WHERE a.provider = i.provider AND a.resource_class = i.resource_class)
            FROM compute_inventories i JOIN compute_hosts h ON h.uuid = i.provider ORDER BY 1, 2";
        let read = |row: &store::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        self.store.read(move |conn| store::query::all(conn, SQL, [], read)).await.unwrap()
    }
}

/// What a host offers.
pub(crate) fn inventory(vcpus: u32, memory_mb: u64, disk_gb: u64) -> HostInventory {
    HostInventory {
        hypervisor_type: "QEMU".into(),
        hypervisor_version: 10_000_002,
        virt_type: "kvm".into(),
        hypervisor_hostname: "h".into(),
        host_ip: "192.0.2.1".into(),
        cpu_info: r#"{"arch":"x86_64"}"#.into(),
        vcpus,
        memory_mb,
        disk_gb,
        disk_free_gb: disk_gb,
        memory_used_mb: 0,
        running_vms: 0,
    }
}

/// A flavor.
pub(crate) fn flavor(vcpus: u32, ram_mb: u64, disk_gb: u64) -> FlavorSpec {
    FlavorSpec {
        id: "f".into(),
        name: "m1.test".into(),
        vcpus,
        ram_mb,
        disk_gb,
        ephemeral_gb: 0,
        swap_mb: 0,
        extra_specs: BTreeMap::new(),
    }
}

/// What a server of `flavor` needs, and no more.
pub(crate) fn spec(flavor: FlavorSpec) -> RequestSpec {
    RequestSpec {
        project_id: "p".into(),
        flavor,
        root_is_local: true,
        image_properties: BTreeMap::new(),
        availability_zone: None,
        host: None,
        group_id: None,
        hints: BTreeMap::new(),
        excluded: Vec::new(),
    }
}

/// A server that waits for a host.
pub(crate) fn row(name: &str) -> InstanceRow {
    let at = kit::time::from_micros(1_795_354_200_000_000);
    InstanceRow {
        number: 0,
        id: name.into(),
        project_id: "p".into(),
        user_id: "u".into(),
        name: format!("Server {name}"),
        description: None,
        hostname: format!("server-{name}"),
        request_id: "req-1".into(),
        reservation_id: "r-abcdefgh".into(),
        launch_index: 0,
        vm_state: VmState::Building,
        task_state: Some(TaskState::Scheduling),
        power_state: PowerState::NoState,
        host: None,
        availability_zone: None,
        forced_host: None,
        flavor: flavor(1, 100, 1),
        image_id: Some("1f2e3d4c-0000-4000-8000-000000000001".into()),
        image_properties: BTreeMap::new(),
        key: None,
        user_data: None,
        config_drive: false,
        metadata: BTreeMap::new(),
        networks: Vec::new(),
        security_groups: Vec::new(),
        network_info: Vec::new(),
        root_device_name: None,
        disk_config: "MANUAL".into(),
        access_ip_v4: None,
        access_ip_v6: None,
        locked_by: None,
        locked_reason: None,
        admin_password: None,
        group_id: None,
        hints: BTreeMap::new(),
        created_at: at,
        updated_at: at,
        launched_at: None,
        terminated_at: None,
        deleted_at: None,
        origin: Origin::default(),
        snapshot_image: None,
    }
}
