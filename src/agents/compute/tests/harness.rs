//! The workflows against the engine's own harness: each step repeated, failed, cancelled, crashed at.

use bus::topics::compute_types::{Instance, TaskState, VmState};
use hypervisor::Driver as _;
use kit::PowerState;
use workflow::Definition;
use workflow::testing::{self, Expected, Harness};

use super::world::{World, user};
use crate::build::{self, Build, Building};
use crate::volumes::attach::{self, Attach};
use crate::work::Work;

struct Builds;

struct BuildWorld {
    world: World,
    instance: Instance,
    state: Build,
}

impl Harness for Builds {
    type World = BuildWorld;
    type Context = Building;
    type State = Build;

    fn definition(&self) -> Definition<Building, Build> {
        build::definition()
    }

    async fn world(&self) -> BuildWorld {
        let world = World::new();
        let instance = world.new_rich_server();
        let state = build::plan(&work(&world, &instance), &instance).await.unwrap();
        BuildWorld { world, instance, state }
    }

    async fn context(&self, world: &BuildWorld) -> Building {
        let work = work(&world.world, &world.instance);
        let instance = Some(work.instance().await.unwrap());
        Building { work, instance }
    }

    fn state(&self, world: &BuildWorld) -> Build {
        world.state.clone()
    }

    async fn check(&self, world: &BuildWorld, expected: Expected, case: &str) {
        let BuildWorld { world, instance, .. } = world;
        let now = world.instance(&instance.id);
        if expected == Expected::Clean {
            world.assert_clean(case).await;
            assert_eq!(now.vm_state, VmState::Building, "{case}");
            return;
        }
        assert_eq!((now.vm_state, now.task_state), (VmState::Active, None), "{case}");
        assert_eq!(world.driver.list().await.unwrap(), [(instance.id.clone(), PowerState::Running)], "{case}");
        let state = world.cloud.lock();
        assert_eq!((state.ports.len(), state.volumes.len()), (1, 2), "{case}");
        assert!(state.volumes.values().all(|volume| volume.status == "in-use"), "{case}");
    }
}

fn work(world: &World, instance: &Instance) -> Work {
    Work::new(world.agent.clone(), instance.id.clone(), user())
}

#[tokio::test]
async fn a_build_holds_when_steps_are_repeated() {
    testing::repeat_each(&Builds).await;
}

#[tokio::test]
async fn a_build_holds_when_steps_fail() {
    testing::fail_each(&Builds).await;
}

#[tokio::test]
async fn a_build_holds_when_it_is_cancelled() {
    testing::cancel_each(&Builds).await;
}

#[tokio::test]
async fn a_build_holds_when_the_process_dies() {
    testing::crash_each(&Builds).await;
}

/// Attaching to a guest that runs.
struct Attachments;

struct AttachWorld {
    world: World,
    instance: Instance,
    state: Attach,
}

impl Harness for Attachments {
    type World = AttachWorld;
    type Context = Work;
    type State = Attach;

    fn definition(&self) -> Definition<Work, Attach> {
        attach::definition()
    }

    async fn world(&self) -> AttachWorld {
        let mut world = World::new();
        world.start().await;
        let plain = world.new_server();
        world.built(&plain).await;
        world.stop().await;
        let (instance, message) = world.reserve_volume(&plain.id);
        let state = Attach {
            volume_id: message.volume_id,
            block_device: message.block_device_id,
            attachment_id: message.attachment_id,
            device: message.device_name,
            connection: None,
        };
        AttachWorld { world, instance, state }
    }

    async fn context(&self, world: &AttachWorld) -> Work {
        work(&world.world, &world.instance)
    }

    fn state(&self, world: &AttachWorld) -> Attach {
        world.state.clone()
    }

    async fn check(&self, world: &AttachWorld, expected: Expected, case: &str) {
        let done = expected == Expected::Done;
        let status = world.world.cloud.lock().volumes[&world.state.volume_id].status.clone();
        let serial = world.state.volume_id.as_str();
        assert_eq!(world.world.has_disk(&world.instance.id, serial), done, "{case}");
        if done {
            assert_eq!(status, "in-use", "{case}");
        } else {
            assert!(["reserved", "available"].contains(&status.as_str()), "{case}: {status}");
        }
        assert_eq!(world.world.instance(&world.instance.id).task_state, None::<TaskState>);
    }
}

#[tokio::test]
async fn an_attachment_holds_whatever_happens() {
    testing::all(&Attachments).await;
}
