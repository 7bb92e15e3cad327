//! Building servers: as it goes well, and as each peer fails.

use bus::topics::compute_agent::{BuildInstance, ConsoleEndpoint, GetConsoleOutput, GetVncEndpoint, TerminateInstance};
use bus::topics::compute_types::{BlockDevice, BlockSource, FlavorSpec, TaskState, VmState};
use hypervisor::Driver as _;
use hypervisor::fake::{Misbehaviour, Verb};
use kit::{Fault, FaultKind, PowerState};

use super::cloud::When;
use super::world::{World, block_device};

#[tokio::test]
async fn a_server_becomes_active_through_every_step_of_a_boot() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.built(&server).await;
    world.cloud.until("the report", |state| !state.spans.is_empty()).await;
    let named = |device: &BlockDevice| device.device_name.is_some();
    world.cloud.until("all names", |state| state.instances[&server.id].block_devices.iter().all(named)).await;
    let now = world.instance(&server.id);
    assert_eq!((now.vm_state, now.task_state, now.power_state), (VmState::Active, None, PowerState::Running));
    assert_eq!(now.root_device_name.as_deref(), Some("/dev/vda"));
    let names: Vec<_> = now.block_devices.iter().map(|device| device.device_name.clone().unwrap()).collect();
    assert_eq!(names, ["/dev/vda", "/dev/vdb", "/dev/vdc"]);
    assert!(now.network_info.iter().all(|vif| vif.device.is_some()) && now.network_info.len() == 1);
    let files = ["disk", "disk.config", "instance.json"];
    let directory = world.data().join("instances").join(server.id.as_str());
    assert!(files.iter().all(|file| directory.join(file).exists()));
    assert_eq!(world.driver.list().await.unwrap(), [(server.id.clone(), PowerState::Running)]);

    let state = world.cloud.lock();
    let spans: Vec<&str> = state.spans.iter().map(|span| span.name.as_str()).collect();
    let hops = [
        "GetInstance",
        "GetImage",
        "fetch image",
        "AllocateForInstance",
        "BindPort",
        "AttachVolume",
        "create disks",
        "spawn",
    ];
    let places: Vec<_> = hops.map(|hop| spans.iter().position(|span| *span == hop)).into_iter().collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{spans:?}");
    // The token goes where the boot's description says that it goes.
    for method in ["GetImage", "AllocateForInstance", "BindPort", "AttachVolume", "CreateVolume"] {
        assert!(state.calls.contains(&(method, true)), "{method}");
    }
    let tasks: Vec<_> = state.tasks.iter().flatten().map(|task| task.as_str()).collect();
    assert_eq!(tasks, ["networking", "networking", "block_device_mapping", "spawning"]);
    assert_eq!(state.events[0].event, "compute__do_build_and_run_instance");
    assert_eq!(state.events[0].error, None);
    assert!(state.volumes.values().all(|volume| volume.status == "in-use"));
}

#[tokio::test]
async fn a_server_boots_from_a_volume_that_an_image_fills() {
    let world = World::running().await;
    let mut server = world.new_server();
    let image_id = server.image_id.take();
    let source = BlockSource::Image;
    server.block_devices = vec![BlockDevice { source, image_id, boot_index: Some(0), ..block_device(1) }];
    server.networks.clear();
    world.insert(&server);
    world.built(&server).await;
    let now = world.instance(&server.id);
    assert_eq!(now.root_device_name.as_deref(), Some("/dev/sda"), "the volume's image asks for SCSI");
    assert!(!world.data().join("instances").join(server.id.as_str()).join("disk").exists());
    let state = world.cloud.lock();
    assert_eq!((state.count("GetImage"), state.count("AllocateForInstance")), (0, 0));
    assert_eq!(now.block_devices[0].volume_id.as_ref(), state.volumes.keys().next());
}

#[tokio::test]
async fn a_server_that_another_host_was_claimed_for_is_not_built_here() {
    let world = World::running().await;
    for host in [None, Some("host-2".into())] {
        let mut server = world.new_server();
        server.host = host;
        world.insert(&server);
        let looks = world.cloud.lock().count("GetInstance");
        world.cast(BuildInstance { server_id: server.id.clone() });
        world.cloud.until("a look", |state| state.count("GetInstance") > looks).await;
        world.wait_idle(&server.id).await;
        assert_eq!(world.instance(&server.id).vm_state, VmState::Building);
    }
    world.assert_clean("not here").await;
}

#[tokio::test]
async fn consoles_answer_for_guests_that_run() {
    let world = World::running().await;
    let server = world.new_server();
    let console = GetConsoleOutput { server_id: server.id.clone(), lines: Some(2) };
    assert_eq!(world.call(console.clone()).await.unwrap_err().kind(), FaultKind::Conflict);
    world.built(&server).await;
    assert_eq!(world.call(console).await.unwrap().lines().count(), 2);
    let endpoint = world.call(GetVncEndpoint { server_id: server.id.clone() }).await.unwrap();
    assert!(
        matches!(endpoint, ConsoleEndpoint::Unix(path) if path.ends_with(format!("run/{}.vnc", server.instance_name)))
    );
}

#[tokio::test]
async fn a_failing_peer_leaves_nothing_behind_and_says_whether_another_host_may_help() {
    let methods = [
        "GetImage",
        "UpdateInstance",
        "AllocateForInstance",
        "BindPort",
        "CreateVolume",
        "GetVolume",
        "AttachVolume",
        "UpdateBlockDevice",
        "RenderConfigDrive",
        "CompleteAttachment",
    ];
    for method in methods {
        for (when, fault, retry) in [
            (When::Before, Fault::unauthorized("The request you have made requires authentication."), false),
            (When::After, Fault::internal("a test", "it was told to"), true),
        ] {
            let world = World::running().await;
            let server = world.new_rich_server();
            world.cloud.fail(method, fault, when, 1);
            world.cast(BuildInstance { server_id: server.id.clone() });
            world.cloud.until(method, |state| !state.build_failures.is_empty()).await;
            world.assert_clean(&format!("{method} failed {when:?}")).await;
            let state = world.cloud.lock();
            assert_eq!(state.build_failures[0].retry, retry, "{method} {when:?}");
            assert!(state.events[0].error.is_some());
        }
    }
}

#[tokio::test]
async fn a_hypervisor_that_fails_leaves_nothing_behind() {
    for how in [Misbehaviour::Fail, Misbehaviour::FailAfterwards, Misbehaviour::Disconnect, Misbehaviour::Panic] {
        let world = World::running().await;
        let server = world.new_rich_server();
        world.driver.faults().plan(Verb::EnsureRunning, how, 1);
        world.cast(BuildInstance { server_id: server.id.clone() });
        world.cloud.until("the failure", |state| !state.build_failures.is_empty()).await;
        world.assert_clean(&format!("{how:?}")).await;
        assert!(world.cloud.lock().build_failures[0].retry);
    }
}

#[tokio::test]
async fn a_volume_that_cannot_be_made_ends_the_build_for_good() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.cloud.lock().new_volume_status = Some("error".to_owned());
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("the failure", |state| !state.build_failures.is_empty()).await;
    world.assert_clean("volume in error").await;
    let state = world.cloud.lock();
    let failure = &state.build_failures[0];
    assert!(!failure.retry && failure.fault.message().contains("Its status is error"), "{}", failure.fault);
}

#[tokio::test]
async fn an_image_that_is_not_what_it_says_or_too_large_is_refused() {
    let world = World::running().await;
    let mut server = world.new_server();
    let mut image = world.cloud.lock().images[&world.image_id].clone();
    image.disk_format = Some("qcow2".to_owned());
    world.cloud.lock().images.insert(image.id.clone(), image.clone());
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("the refusal", |state| state.build_failures.len() == 1).await;

    std::fs::write(world.image_file(), kit::disk_image::testing::qcow2(2 << 30)).unwrap();
    server.flavor = FlavorSpec { disk_gb: 1, ..server.flavor };
    world.insert(&server);
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("the refusal", |state| state.build_failures.len() == 2).await;
    world.assert_clean("refused images").await;
    let state = world.cloud.lock();
    let said = |index: usize| state.build_failures[index].fault.message().to_owned();
    assert_eq!(said(0), format!("Image {} is unacceptable: it is not in the declared format qcow2", world.image_id));
    assert!(said(1).starts_with("Flavor's disk is too small for requested image."), "{}", said(1));
    assert!(state.build_failures.iter().all(|failure| !failure.retry));
}

#[tokio::test]
async fn a_server_that_is_deleted_while_it_is_built_goes() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.driver.faults().plan(Verb::EnsureRunning, Misbehaviour::Hang, 1);
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("spawning", |state| state.tasks.contains(&Some(TaskState::Spawning))).await;
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(TerminateInstance { server_id: server.id.clone() });
    world.cloud.until("the deletion", |state| state.instances.is_empty() && state.journals.is_empty()).await;
    world.assert_clean("deleted while built").await;
    assert!(world.cloud.lock().build_failures.is_empty());
}

#[tokio::test]
async fn a_build_that_is_not_wanted_any_more_does_nothing() {
    let world = World::running().await;
    let server = world.new_server();
    world.set_task(&server.id, TaskState::Deleting);
    world.cast(BuildInstance { server_id: server.id.clone() });
    let built = world.new_server();
    world.built(&built).await;
    // A cast that came twice finds the server built.
    world.cast(BuildInstance { server_id: built.id.clone() });
    world.cloud.until("the third look", |state| state.count("GetInstance") >= 3).await;
    assert_eq!(world.driver.list().await.unwrap().len(), 1);
    assert!(world.cloud.lock().build_failures.is_empty());
}

#[tokio::test]
async fn the_journal_and_the_files_hold_no_secret() {
    let world = World::running().await;
    let server = world.new_rich_server();
    world.driver.faults().plan(Verb::EnsureRunning, Misbehaviour::Hang, 1);
    world.cast(BuildInstance { server_id: server.id.clone() });
    world.cloud.until("spawning", |state| state.tasks.contains(&Some(TaskState::Spawning))).await;
    let state = world.cloud.lock();
    let bodies: String = state.journals.values().map(|record| record.body.clone()).collect();
    assert!(bodies.contains(server.id.as_str()));
    for secret in ["user-token", "secret-password", "c2VjcmV0LXVzZXItZGF0YQ"] {
        assert!(!bodies.contains(secret), "{secret}");
    }
}
