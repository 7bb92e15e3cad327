//! The clauses about whole guests.

use std::path::Path;
use std::time::Duration;

use kit::PowerState;
use kit::ids::ServerId;

use super::probe::{LONG, conflict, ensure, event, fails, not_found, spec, state, up};
use super::{Broken, Held, Temper, World, guest};
use crate::driver::{Driver, Endpoint, Quiesce, Reboot};
use crate::error::DriverError;
use crate::event::{GuestEvent, PauseReason};
use crate::spec::{DiskKey, Vnc};

/// Removing what is not there is success, asking about it `None`, all else [`DriverError::NotFound`].
pub async fn missing(driver: &dyn Driver, _world: &dyn World) -> Held {
    let id = &ServerId::random();
    state(driver, id, None).await?;
    driver.remove(id).await?;
    driver.detach_disk(id, &DiskKey::Target("vdb".to_owned()), LONG).await?;
    driver.detach_interface(id, "fa:16:3e:00:00:01", LONG).await?;
    driver.stop_copying(id).await?;
    let copied = driver.copy_disk(id, &DiskKey::Target("vda".to_owned()), Path::new("/none"), Quiesce::No).await;
    fails("copy_disk", copied, not_found)?;
    fails("start", driver.start(id).await, not_found)?;
    fails("stop", driver.stop(id, LONG).await, not_found)?;
    fails("destroy", driver.destroy(id).await, not_found)?;
    fails("reboot", driver.reboot(id, Reboot::Hard).await, not_found)?;
    fails("pause", driver.pause(id).await, not_found)?;
    fails("console_log", driver.console_log(id, None).await, not_found)?;
    fails("vnc", driver.vnc(id).await, not_found)
}

/// What makes no guest is refused, and leaves nothing behind.
pub async fn unusable(driver: &dyn Driver, world: &dyn World) -> Held {
    let good = spec(world, Temper::Obliging)?;
    let refused = |error: &DriverError| matches!(error, DriverError::InvalidSpec(_));
    let mut bad = good.clone();
    bad.server_id = ServerId::new("../../etc");
    fails("an id that is no UUID", driver.ensure_running(&bad).await, refused)?;
    bad = good.clone();
    bad.disks.extend(good.disks.clone());
    fails("two disks of one name", driver.define(&bad).await, refused)?;
    bad = good.clone();
    bad.console.socket = world.dir().join("x".repeat(120));
    fails("a socket path that does not fit", driver.define(&bad).await, refused)?;
    bad = good.clone();
    bad.vcpus = 0;
    fails("no processor", driver.ensure_running(&bad).await, refused)?;
    state(driver, &good.server_id, None).await
}

/// Defined, started, frozen, stopped, destroyed, removed: everything twice.
pub async fn life(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let id = &spec.server_id;
    let mut events = driver.events();
    for _ in 0..2 {
        driver.define(&spec).await?;
        state(driver, id, Some(PowerState::Shutdown)).await?;
    }
    for _ in 0..2 {
        driver.ensure_running(&spec).await?;
        driver.start(id).await?;
        state(driver, id, Some(PowerState::Running)).await?;
    }
    event(&mut events, id, GuestEvent::Started).await?;
    ensure(driver.list().await?.contains(&(id.clone(), PowerState::Running)), || "it is not listed".to_owned())?;
    for _ in 0..2 {
        driver.pause(id).await?;
        state(driver, id, Some(PowerState::Paused)).await?;
    }
    event(&mut events, id, GuestEvent::Paused(PauseReason::Asked)).await?;
    for _ in 0..2 {
        driver.resume(id).await?;
        state(driver, id, Some(PowerState::Running)).await?;
    }
    event(&mut events, id, GuestEvent::Resumed).await?;
    up(driver, id, 1).await?;
    for _ in 0..2 {
        driver.stop(id, LONG).await?;
        state(driver, id, Some(PowerState::Shutdown)).await?;
    }
    event(&mut events, id, GuestEvent::Shutdown).await?;
    fails("pausing a guest that is off", driver.pause(id).await, conflict)?;
    fails("resuming a guest that is off", driver.resume(id).await, conflict)?;
    driver.start(id).await?;
    for _ in 0..2 {
        driver.destroy(id).await?;
        state(driver, id, Some(PowerState::Shutdown)).await?;
    }
    event(&mut events, id, GuestEvent::Stopped).await?;
    driver.ensure_running(&spec).await?;
    for _ in 0..2 {
        driver.remove(id).await?;
        state(driver, id, None).await?;
    }
    event(&mut events, id, GuestEvent::Stopped).await?;
    ensure(driver.list().await?.iter().all(|(listed, _)| listed != id), || "it is still listed".to_owned())
}

/// A guest that does not power off has its power taken away, and not before its time.
pub async fn stubborn(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Stubborn)?;
    let id = &spec.server_id;
    let mut events = driver.events();
    driver.ensure_running(&spec).await?;
    let begun = tokio::time::Instant::now();
    driver.stop(id, Duration::from_secs(1)).await?;
    ensure(begun.elapsed() >= Duration::from_secs(1), || "its power was taken away too early".to_owned())?;
    state(driver, id, Some(PowerState::Shutdown)).await?;
    event(&mut events, id, GuestEvent::Stopped).await?;
    driver.start(id).await?;
    driver.reboot(id, Reboot::Soft { grace: Duration::from_secs(1) }).await?;
    state(driver, id, Some(PowerState::Running)).await?;
    Ok(driver.remove(id).await?)
}

/// A guest runs after a reboot, whether it ran before or not.
pub async fn reboots(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let id = &spec.server_id;
    driver.ensure_running(&spec).await?;
    up(driver, id, 1).await?;
    let mut events = driver.events();
    driver.reboot(id, Reboot::Soft { grace: LONG }).await?;
    event(&mut events, id, GuestEvent::Shutdown).await?;
    event(&mut events, id, GuestEvent::Started).await?;
    up(driver, id, 2).await?;
    driver.reboot(id, Reboot::Hard).await?;
    event(&mut events, id, GuestEvent::Stopped).await?;
    event(&mut events, id, GuestEvent::Started).await?;
    driver.destroy(id).await?;
    driver.reboot(id, Reboot::Soft { grace: LONG }).await?;
    state(driver, id, Some(PowerState::Running)).await?;
    driver.destroy(id).await?;
    driver.reboot(id, Reboot::Hard).await?;
    state(driver, id, Some(PowerState::Running)).await?;
    Ok(driver.remove(id).await?)
}

/// The log outlives the guest's process; the endpoints do not.
pub async fn consoles(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let id = &spec.server_id;
    driver.define(&spec).await?;
    ensure(driver.console_log(id, None).await?.is_empty(), || "a log before the first start".to_owned())?;
    ensure(driver.vnc(id).await?.is_none(), || "a display of a guest that is off".to_owned())?;
    driver.start(id).await?;
    up(driver, id, 1).await?;
    let serial = driver.serial(id).await?;
    let wanted = Some(Endpoint::Unix(spec.console.socket.clone()));
    ensure(serial == wanted, || format!("the serial console is {serial:?}"))?;
    let vnc = driver.vnc(id).await?;
    let Some(Vnc::Unix(path)) = &spec.vnc else { return Ok(()) };
    ensure(vnc == Some(Endpoint::Unix(path.clone())), || format!("the display is {vnc:?}"))?;
    driver.destroy(id).await?;
    ensure(driver.serial(id).await?.is_none(), || "a serial console of a guest that is off".to_owned())?;
    let last = driver.console_log(id, Some(1)).await?;
    let last = String::from_utf8_lossy(&last).into_owned();
    ensure(last.trim_end().ends_with(guest::BANNER), || format!("the last line is {last:?}"))?;
    ensure(last.trim_end().lines().count() == 1, || format!("one line is {last:?}"))?;
    Ok(driver.remove(id).await?)
}

/// It is not seen, and not touched.
pub async fn foreign(driver: &dyn Driver, world: &dyn World) -> Held {
    let Some(id) = &world.foreign() else { return Ok(()) };
    state(driver, id, None).await?;
    ensure(driver.list().await?.iter().all(|(listed, _)| listed != id), || "it is listed".to_owned())?;
    fails("destroying it", driver.destroy(id).await, not_found)?;
    driver.remove(id).await?;
    let mut spec = spec(world, Temper::Obliging)?;
    spec.server_id = id.clone();
    fails("defining over it", driver.define(&spec).await, conflict)
}

/// The host has something, and guests that run use some of it.
pub async fn host(driver: &dyn Driver, world: &dyn World) -> Held {
    let capabilities = driver.capabilities().await?;
    let before = driver.resources().await?;
    ensure(before.vcpus > 0 && before.vcpus == capabilities.vcpus, || format!("{before:?}"))?;
    ensure(before.memory_mb > 0 && before.memory_mb == capabilities.memory_mb, || format!("{before:?}"))?;
    ensure(capabilities.hypervisor_version > 0, || format!("{capabilities:?}"))?;
    let spec = spec(world, Temper::Stubborn)?;
    driver.ensure_running(&spec).await?;
    let after = driver.resources().await?;
    ensure(after.vcpus_used == before.vcpus_used + spec.vcpus, || format!("{before:?} became {after:?}"))?;
    ensure(after.running_vms == before.running_vms + 1, || format!("{before:?} became {after:?}"))?;
    let used = driver.usage().await?.into_iter().find(|(id, _)| *id == spec.server_id);
    let (_, used) = used.ok_or_else(|| Broken("a guest that runs uses nothing".to_owned()))?;
    ensure(used.vcpus == u64::from(spec.vcpus) && used.memory_bytes > 0 && used.cpu_nanos > 0, || format!("{used:?}"))?;
    driver.destroy(&spec.server_id).await?;
    let used = driver.usage().await?;
    ensure(used.iter().all(|(id, _)| *id != spec.server_id), || format!("a guest that is off uses {used:?}"))?;
    driver.remove(&spec.server_id).await?;
    ensure(driver.health().connected, || "it says that it is not connected".to_owned())
}
