//! What the clauses are written with: specs, waits, and demands that say what was broken.

use std::future::Future;
use std::time::Duration;

use kit::PowerState;
use kit::ids::ServerId;

use super::{Broken, Held, Temper, World};
use crate::driver::Driver;
use crate::error::DriverError;
use crate::event::{Event, Events, GuestEvent};
use crate::spec::{Console, Disk, DiskBus, DiskFormat, DomainSpec, Machine, Metadata, Vnc};

/// The longest that anything may take.
pub const LONG: Duration = Duration::from_secs(30);

/// A guest with one disk, no interface, a display and a console.
pub fn spec(world: &dyn World, temper: Temper) -> Result<DomainSpec, Broken> {
    let server_id = ServerId::random();
    let short: String = server_id.as_str().chars().take(8).collect();
    let file = |what: &str| world.dir().join(format!("{short}.{what}"));
    let root = file("img");
    world.make_guest(&server_id, &root, temper)?;
    let mut disk = Disk::new(root, DiskFormat::Raw, DiskBus::Virtio, "vda");
    disk.boot_order = Some(1);
    disk.cache = crate::spec::CacheMode::Unsafe;
    Ok(DomainSpec {
        name: format!("instance-{short}"),
        metadata: Metadata { display_name: "a <guest> & more".to_owned(), ..Metadata::default() },
        vcpus: 1,
        memory_mb: 64,
        machine: Machine::Q35,
        disks: vec![disk],
        interfaces: Vec::new(),
        console: Console { log: file("log"), socket: file("serial") },
        vnc: Some(Vnc::Unix(file("vnc"))),
        agent_socket: None,
        rng: false,
        server_id,
    })
}

/// Demands that something holds.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Broken(otherwise())) }
}

/// Demands the guest's state.
pub async fn state(driver: &dyn Driver, id: &ServerId, wanted: Option<PowerState>) -> Held {
    let state = driver.power_state(id).await?;
    ensure(state == wanted, || format!("the state is {state:?} instead of {wanted:?}"))
}

/// Demands that a verb fails in a certain way.
pub fn fails<T>(what: &str, result: Result<T, DriverError>, wanted: impl FnOnce(&DriverError) -> bool) -> Held {
    match result {
        Ok(_) => Err(Broken(format!("{what} succeeded"))),
        Err(error) => ensure(wanted(&error), || format!("{what} failed otherwise: {}", error.chain())),
    }
}

/// Whether it is [`DriverError::NotFound`].
pub fn not_found(error: &DriverError) -> bool {
    matches!(error, DriverError::NotFound { .. })
}

/// Whether it is [`DriverError::Conflict`].
pub fn conflict(error: &DriverError) -> bool {
    matches!(error, DriverError::Conflict { .. })
}

/// Whether it is [`DriverError::Timeout`].
pub fn timed_out(error: &DriverError) -> bool {
    matches!(error, DriverError::Timeout { .. })
}

/// Waits for an event of the guest, whatever comes before it.
pub async fn event(events: &mut Events, id: &ServerId, wanted: GuestEvent) -> Held {
    let mut seen = Vec::new();
    let wait = async {
        while let Some(event) = events.next().await {
            match event {
                Event::Guest { server_id, kind, .. } if server_id == *id => {
                    seen.push(kind);
                    if kind == wanted {
                        return true;
                    }
                }
                Event::Guest { .. } | Event::Lost => {}
            }
        }
        false
    };
    let came = tokio::time::timeout(LONG, wait).await;
    ensure(came == Ok(true), || format!("event {wanted:?} did not come, but {seen:?}"))
}

/// Waits until `condition` holds.
pub async fn eventually<F>(what: &str, mut condition: impl FnMut() -> F) -> Held
where
    F: Future<Output = Result<bool, Broken>>,
{
    let deadline = tokio::time::Instant::now() + LONG;
    while !condition().await? {
        ensure(tokio::time::Instant::now() < deadline, || format!("{what} did not happen"))?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until the guest has printed its banner `times` times.
pub async fn up(driver: &dyn Driver, id: &ServerId, times: usize) -> Held {
    eventually("the guest's banner", || async {
        let log = driver.console_log(id, None).await?;
        Ok(String::from_utf8_lossy(&log).matches(super::guest::BANNER).count() >= times)
    })
    .await
}
