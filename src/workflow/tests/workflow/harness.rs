//! The harness passes a sound workflow, and names what is wrong with an unsound one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kit::Fault;
use serde::{Deserialize, Serialize};
use workflow::testing::{self, Expected, Harness};
use workflow::{Definition, nothing};

/// A cloud in miniature: ports by id, and guests that run.
#[derive(Debug, Clone, Default)]
struct Cloud {
    ports: Arc<Mutex<BTreeMap<String, String>>>,
    guests: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Build {
    server: String,
    port: Option<String>,
}

async fn choose_port(_: &Cloud, build: &mut Build) -> Result<(), Fault> {
    build.port = Some(format!("port-of-{}", build.server));
    Ok(())
}

async fn make_port(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    let port = build.port.clone().ok_or_else(|| Fault::not_found("no port"))?;
    cloud.ports.lock().unwrap().insert(port, build.server.clone());
    Ok(())
}

async fn remove_port(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    if let Some(port) = &build.port {
        cloud.ports.lock().unwrap().remove(port);
    }
    Ok(())
}

async fn start_guest(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    let mut guests = cloud.guests.lock().unwrap();
    if !guests.contains(&build.server) {
        guests.push(build.server.clone());
    }
    Ok(())
}

async fn stop_guest(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    cloud.guests.lock().unwrap().retain(|guest| *guest != build.server);
    Ok(())
}

/// Wrong: a second run starts a second guest.
async fn start_another_guest(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    cloud.guests.lock().unwrap().push(build.server.clone());
    Ok(())
}

/// Wrong: fails when there is nothing to stop.
async fn stop_a_running_guest(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    let mut guests = cloud.guests.lock().unwrap();
    let running = guests.iter().position(|guest| *guest == build.server);
    running.map(|at| drop(guests.remove(at))).ok_or_else(|| Fault::not_found("no such guest"))
}

/// Wrong: chooses the port's id only now, so that after a crash its undo does not know it.
async fn choose_and_make_port(cloud: &Cloud, build: &mut Build) -> Result<(), Fault> {
    if build.port.is_none() {
        choose_port(cloud, build).await?;
    }
    make_port(cloud, build).await
}

fn sound() -> Definition<Cloud, Build> {
    Definition::new("sound").step_without_undo("choose", choose_port).step("port", make_port, remove_port).step(
        "guest",
        start_guest,
        stop_guest,
    )
}

struct Building(Definition<Cloud, Build>);

impl Harness for Building {
    type World = Cloud;
    type Context = Cloud;
    type State = Build;

    fn definition(&self) -> Definition<Cloud, Build> {
        self.0.clone()
    }

    async fn world(&self) -> Cloud {
        Cloud::default()
    }

    async fn context(&self, world: &Cloud) -> Cloud {
        world.clone()
    }

    fn state(&self, _: &Cloud) -> Build {
        Build { server: "s1".to_owned(), port: None }
    }

    async fn check(&self, world: &Cloud, expected: Expected, case: &str) {
        let (ports, guests) = match expected {
            Expected::Clean => (vec![], vec![]),
            Expected::Done => (vec!["port-of-s1"], vec!["s1"]),
        };
        assert_eq!(world.ports.lock().unwrap().keys().cloned().collect::<Vec<_>>(), ports, "{case}: ports");
        assert_eq!(*world.guests.lock().unwrap(), guests, "{case}: guests");
    }
}

#[tokio::test]
async fn a_sound_workflow_passes() {
    testing::all(&Building(sound())).await;
}

#[tokio::test]
#[should_panic(expected = "step guest failed After its effect: guests")]
async fn a_step_that_forgot_its_undo_is_found() {
    testing::fail_each(&Building(sound_but_for_guest(start_guest_only()))).await;
}

#[tokio::test]
#[should_panic(expected = "cancelled in step guest: guests")]
async fn a_cancelled_step_without_undo_is_found() {
    testing::cancel_each(&Building(sound_but_for_guest(start_guest_only()))).await;
}

#[tokio::test]
#[should_panic(expected = "step guest ran twice: guests")]
async fn a_step_that_cannot_be_repeated_is_found() {
    let guest = Definition::new("").step("guest", start_another_guest, stop_guest);
    testing::repeat_each(&Building(sound_but_for_guest(guest))).await;
}

#[tokio::test]
#[should_panic(expected = "no such guest")]
async fn an_undo_that_cannot_be_repeated_is_found() {
    let guest = Definition::new("").step("guest", start_guest, stop_a_running_guest);
    testing::repeat_each(&Building(sound_but_for_guest(guest))).await;
}

#[tokio::test]
#[should_panic(expected = "the process died at journal point 2, then Unwind (died again: false): ports")]
async fn an_undo_that_needs_what_its_own_step_found_is_found() {
    let definition = Definition::new("unsound").step("port", choose_and_make_port, remove_port).step(
        "guest",
        start_guest,
        stop_guest,
    );
    testing::crash_each(&Building(definition)).await;
}

fn start_guest_only() -> Definition<Cloud, Build> {
    Definition::new("").step("guest", start_guest, nothing)
}

/// [`sound`] with another last step.
fn sound_but_for_guest(guest: Definition<Cloud, Build>) -> Definition<Cloud, Build> {
    sound_ports().then(guest)
}

fn sound_ports() -> Definition<Cloud, Build> {
    Definition::new("unsound").step_without_undo("choose", choose_port).step("port", make_port, remove_port)
}
