//! What every driver has to hold, as a suite: [`contract`] against a driver and a [`World`] to try it in.
//!
//! Each clause makes guests of its own and takes them away again. A clause that is broken is an error that says
//! which promise was not kept.

mod clauses;
mod copies;
mod devices;
pub mod guest;
mod probe;

use std::path::Path;
use std::sync::Arc;

use kit::ids::ServerId;

use crate::driver::Driver;
use crate::error::DriverError;

/// Where a driver is tried out.
pub trait World: Send + Sync {
    /// A directory that guests' disks, logs and sockets can be put in; its path is short enough for sockets.
    fn dir(&self) -> &Path;

    /// Makes the disk that the guest boots from, and has the guest be of that temper.
    ///
    /// # Errors
    /// That of the file system.
    fn make_guest(&self, id: &ServerId, disk: &Path, temper: Temper) -> std::io::Result<()>;

    /// Two taps that guests can be put on; none where they cannot be made.
    fn taps(&self) -> Option<[String; 2]>;

    /// A guest of somebody else that runs on the same hypervisor, where there can be one.
    fn foreign(&self) -> Option<ServerId>;
}

/// How a guest reacts to being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// It prints [`guest::BANNER`] and powers off when asked.
    Obliging,
    /// It does not power off, nor lets go of a virtio disk.
    Stubborn,
}

/// A promise that was not kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

impl From<DriverError> for Broken {
    fn from(error: DriverError) -> Self {
        Self(error.chain())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Whether a promise was kept.
pub type Held = Result<(), Broken>;

/// Holds `driver` to every promise of [`Driver`].
///
/// # Errors
/// The first promise that was not kept, after the name of its clause.
pub async fn contract(driver: Arc<dyn Driver>, world: &dyn World) -> Held {
    let driver = &*driver;
    named("a guest that is not there", clauses::missing(driver, world).await)?;
    named("an unusable spec", clauses::unusable(driver, world).await)?;
    named("the life of a guest", clauses::life(driver, world).await)?;
    named("stopping a stubborn guest", clauses::stubborn(driver, world).await)?;
    named("rebooting", clauses::reboots(driver, world).await)?;
    named("consoles", clauses::consoles(driver, world).await)?;
    named("somebody else's guest", clauses::foreign(driver, world).await)?;
    named("the host", clauses::host(driver, world).await)?;
    named("disks of a guest that is off", devices::cold_disks(driver, world).await)?;
    named("disks of a guest that runs", devices::hot_disks(driver, world).await)?;
    named("a guest that keeps its disk", devices::kept_disk(driver, world).await)?;
    named("copies of disks", copies::copies(driver, world).await)?;
    named("interfaces", devices::interfaces(driver, world).await)
}

fn named(clause: &str, held: Held) -> Held {
    held.map_err(|Broken(what)| Broken(format!("{clause}: {what}")))
}
