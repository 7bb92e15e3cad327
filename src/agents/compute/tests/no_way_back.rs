//! Detaching and deleting against the engine's own harness: past a point they can only be finished.

use bus::topics::compute_agent::DetachVolume;
use bus::topics::compute_types::Instance;
use kit::ids::{AttachmentId, VolumeId};
use workflow::testing::{self, Expected, Harness};
use workflow::{Control, Definition, MemoryJournal, Outcome, Start};

use super::world::{World, user};
use crate::delete::{self, Delete};
use crate::volumes::attach;
use crate::volumes::detach::{self, Detach};
use crate::work::Work;

fn work(world: &World, instance: &Instance) -> Work {
    Work::new(world.agent.clone(), instance.id.clone(), user())
}

struct Subject {
    world: World,
    instance: Instance,
}

/// Detaching from a guest that runs.
struct Detachments;

impl Subject {
    /// A guest with a volume that is to be detached.
    async fn detaching() -> Self {
        let mut world = World::new();
        world.start().await;
        let plain = world.new_server();
        world.built(&plain).await;
        world.stop().await;
        let (instance, message) = world.reserve_volume(&plain.id);
        attach::attach(work(&world, &instance), message).await;
        let instance = world.instance(&plain.id);
        let subject = Self { world, instance };
        subject.volume(|volume| volume.status = "detaching".to_owned());
        subject
    }

    fn ids(&self) -> (VolumeId, AttachmentId) {
        let device = self.instance.block_devices.last().unwrap();
        (device.volume_id.clone().unwrap(), device.attachment_id.clone().unwrap())
    }

    fn volume<T>(&self, look: impl FnOnce(&mut super::cloud::FakeVolume) -> T) -> T {
        look(self.world.cloud.lock().volumes.get_mut(&self.ids().0).unwrap())
    }
}

impl Harness for Detachments {
    type World = Subject;
    type Context = Work;
    type State = Detach;

    fn definition(&self) -> Definition<Work, Detach> {
        detach::definition()
    }

    async fn world(&self) -> Subject {
        Subject::detaching().await
    }

    async fn context(&self, subject: &Subject) -> Work {
        work(&subject.world, &subject.instance)
    }

    fn state(&self, subject: &Subject) -> Detach {
        let (volume_id, attachment_id) = subject.ids();
        let server_id = subject.instance.id.clone();
        Detach::of(&subject.instance, &DetachVolume { server_id, volume_id, attachment_id })
    }

    /// A failure before the host let go leaves the volume in use, a later one leaves it detached; never something in between.
    async fn check(&self, subject: &Subject, expected: Expected, case: &str) {
        let (world, id, volume_id) = (&subject.world, &subject.instance.id, subject.ids().0);
        let plugged = world.has_disk(id, volume_id.as_str());
        let mapped =
            world.instance(id).block_devices.iter().any(|device| device.volume_id.as_ref() == Some(&volume_id));
        let (status, attached) = subject.volume(|volume| (volume.status.clone(), !volume.attachments.is_empty()));
        let detached = (status.as_str(), plugged, mapped, attached) == ("available", false, false, false);
        // Died before the first record, it has not begun.
        let before = if case.contains("journal point 0,") { "detaching" } else { "in-use" };
        let in_use = (status.as_str(), plugged, mapped, attached) == (before, true, true, true);
        assert!(detached || (in_use && expected == Expected::Clean), "{case}: {status} {plugged} {mapped} {attached}");
    }
}

#[tokio::test]
async fn a_detachment_holds_when_steps_are_repeated_or_fail() {
    testing::repeat_each(&Detachments).await;
    testing::fail_each(&Detachments).await;
}

#[tokio::test]
async fn a_detachment_holds_when_it_is_cancelled_or_the_process_dies() {
    testing::cancel_each(&Detachments).await;
    testing::crash_each(&Detachments).await;
}

/// Deleting a guest with everything.
struct Deletions;

impl Harness for Deletions {
    type World = Subject;
    type Context = Work;
    type State = Delete;

    fn definition(&self) -> Definition<Work, Delete> {
        delete::definition()
    }

    async fn world(&self) -> Subject {
        let mut world = World::new();
        world.start().await;
        let server = world.new_rich_server();
        world.built(&server).await;
        world.stop().await;
        let instance = world.instance(&server.id);
        Subject { world, instance }
    }

    async fn context(&self, subject: &Subject) -> Work {
        work(&subject.world, &subject.instance)
    }

    fn state(&self, subject: &Subject) -> Delete {
        Delete::of(&subject.instance.id, Some(&subject.instance))
    }

    /// There is no way back: one that failed can be repeated, and then it is done.
    async fn check(&self, subject: &Subject, expected: Expected, case: &str) {
        let Subject { world, instance } = subject;
        if expected == Expected::Clean {
            let now = world.cloud.lock().instances.get(&instance.id).cloned();
            let start = Start::new(instance.id.as_str(), Delete::of(&instance.id, now.as_ref()));
            let (context, journal) = (work(world, instance), MemoryJournal::default());
            let outcome = workflow::run(&self.definition(), &context, start, &journal, &Control::default()).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{case}: {outcome:?}");
        }
        world.assert_clean(case).await;
        let state = world.cloud.lock();
        assert!(state.instances.is_empty(), "{case}");
        assert!(state.volumes.values().all(|volume| volume.status == "available"), "{case}");
    }
}

#[tokio::test]
async fn a_deletion_holds_when_steps_are_repeated_or_fail() {
    testing::repeat_each(&Deletions).await;
    testing::fail_each(&Deletions).await;
}

#[tokio::test]
async fn a_deletion_holds_when_it_is_cancelled_or_the_process_dies() {
    testing::cancel_each(&Deletions).await;
    testing::crash_each(&Deletions).await;
}
