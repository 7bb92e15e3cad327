//! The clause about copies of disks.

use std::path::Path;

use kit::PowerState;
use kit::disk_image::{Format, Window};

use super::probe::{conflict, ensure, fails, spec, state, up};
use super::{Held, Temper, World};
use crate::driver::{Driver, Quiesce};
use crate::spec::DiskKey;

/// A guest that runs or stands still is copied and notices nothing; the copy lies on nothing. One that is off is not copied.
pub async fn copies(driver: &dyn Driver, world: &dyn World) -> Held {
    let spec = spec(world, Temper::Obliging)?;
    let (id, root) = (&spec.server_id, DiskKey::Target("vda".to_owned()));
    let to = world.dir().join(format!("{id}.copy"));
    driver.define(&spec).await?;
    ensure(!driver.copy_disk(id, &root, &to, Quiesce::No).await?, || "a guest that is off was copied".to_owned())?;
    driver.start(id).await?;
    up(driver, id, 1).await?;
    for _ in 0..2 {
        ensure(driver.copy_disk(id, &root, &to, Quiesce::Try).await?, || "it was not copied".to_owned())?;
        whole(&to)?;
        state(driver, id, Some(PowerState::Running)).await?;
    }
    let unquiet = driver.copy_disk(id, &root, &to, Quiesce::Must).await;
    fails("copying a guest without an agent that must be quiet", unquiet, conflict)?;
    let missing = driver.copy_disk(id, &DiskKey::Target("vdz".to_owned()), &to, Quiesce::No).await;
    fails("copying a disk that is not there", missing, conflict)?;
    driver.pause(id).await?;
    ensure(driver.copy_disk(id, &root, &to, Quiesce::No).await?, || "a frozen guest was not copied".to_owned())?;
    whole(&to)?;
    state(driver, id, Some(PowerState::Paused)).await?;
    for _ in 0..2 {
        driver.stop_copying(id).await?;
    }
    driver.remove(id).await?;
    Ok(std::fs::remove_file(&to)?)
}

/// Demands a qcow2 that names no other file.
fn whole(path: &Path) -> Held {
    let found = Window::of(&mut std::fs::File::open(path)?)?.inspect();
    ensure(found.format == Format::Qcow2 && found.danger.is_none(), || format!("the copy is {found:?}"))
}
