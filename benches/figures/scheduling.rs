//! How many servers a second find their host among a thousand: chosen and claimed in the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bus::topics::compute_agent::{self, BuildInstance};
use bus::topics::compute_types::FlavorSpec;
use bus::topics::conductor::{HostInventory, RegisterHost};
use bus::topics::scheduler::{RequestSpec, SelectDestinations};
use bus::{Bus, Client, Options, Target};
use cloudbox::appliance::migrations;
use kit::ids::{HostId, ServerId};
use kit::{RequestContext, SystemClock};

use crate::clones;
use crate::cloud::{Cloud, config, server, wait_active};
use crate::figure::{Goal, Report};

const HOSTS: usize = 1_000;
const SERVERS: i64 = 4_000;
const AT_ONCE: usize = 32;

pub async fn measure(report: &mut Report) {
    if !report.wants("scheduling over 1,000 hosts") {
        return;
    }
    let cloud = Cloud::start().await;
    let data_dir = cloud.directory.path().join("data");
    let (image, network) = (cloud.image().await, cloud.network().await);
    let mut client = cloud.client().await;
    client.must(202, "POST", "/compute/v2.1/servers", &server(&image, &network, 1)).await;
    wait_active(&mut client, 1).await;
    let waiting =
        [("host", "NULL"), ("vm_state", "'building'"), ("task_state", "'scheduling'"), ("launched_at", "NULL")];
    clones::make(&data_dir, SERVERS + 1, &waiting);
    cloud.appliance.stop().await;

    let store = store::Store::open(&data_dir.join("cloudbox.db"), &migrations(), store::Options::default());
    let store = store.expect("the database opens");
    let bus = Bus::new(Options::default());
    let compute = compute::Compute::new(store.clone(), &bus, Arc::new(SystemClock), config(&cloud.directory).compute);
    let mut serving = compute.serve(&bus);
    let client = bus.client("bench");
    for host in 0..HOSTS {
        let host = HostId::new(format!("host{host:04}"));
        let agent = bus.server(compute_agent::TOPIC).on_host(&host);
        serving.push(agent.on(|_, _: BuildInstance| std::future::ready(Ok(()))).start());
        let message = RegisterHost { host, inventory: inventory(), starting: true };
        client.call(&RequestContext::service("bench"), Target::Any, message).await.expect("it is registered");
    }
    report.add("scheduling over 1,000 hosts", rate(client).await, "/s", Goal::AtLeast(2_000.0));
    drop(serving);
    store.close().await;
}

async fn rate(client: Client) -> f64 {
    let (next, begun) = (Arc::new(AtomicI64::new(1)), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, next) = (client.clone(), next.clone());
        tasks.spawn(async move {
            let context = RequestContext::service("bench");
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > SERVERS {
                    return;
                }
                let servers = vec![ServerId::new(format!("{number:08x}-0000-4000-8000-000000000000"))];
                let chosen = client.call(&context, Target::Any, SelectDestinations { servers, spec: spec() }).await;
                assert_eq!(chosen.expect("a host").len(), 1);
            }
        });
    }
    tasks.join_all().await;
    SERVERS as f64 / begun.elapsed().as_secs_f64()
}

fn inventory() -> HostInventory {
    HostInventory {
        hypervisor_type: "QEMU".into(),
        hypervisor_version: 10_000_002,
        virt_type: "kvm".into(),
        hypervisor_hostname: "h".into(),
        host_ip: "192.0.2.1".into(),
        cpu_info: r#"{"arch":"x86_64"}"#.into(),
        vcpus: 32,
        memory_mb: 64_000,
        disk_gb: 2_000,
        disk_free_gb: 2_000,
        memory_used_mb: 0,
        running_vms: 0,
    }
}

fn spec() -> RequestSpec {
    RequestSpec {
        project_id: "p".into(),
        flavor: FlavorSpec {
            id: "f".into(),
            name: "m1.bench".into(),
            vcpus: 1,
            ram_mb: 512,
            disk_gb: 10,
            ephemeral_gb: 0,
            swap_mb: 0,
            extra_specs: Default::default(),
        },
        root_is_local: true,
        image_properties: Default::default(),
        availability_zone: None,
        host: None,
        group_id: None,
        hints: Default::default(),
        excluded: Vec::new(),
    }
}
