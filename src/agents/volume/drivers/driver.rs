//! The contract of a volume driver.

use std::collections::HashSet;

use bus::topics::volume::{ConnectionInfo, Connector};
use bus::topics::volume_agent::{VolumeSource, VolumeSpec};
use futures_util::future::BoxFuture;
use kit::Fault;
use kit::ids::VolumeId;

/// How much a backend holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all, in GiB.
    pub total_gb: u64,
    /// Left, in GiB.
    pub free_gb: u64,
}

/// A way to keep volumes. Every verb can be repeated, also after it was cut off half-way.
pub trait VolumeDriver: Send + Sync {
    /// The backend's name, such as `file`.
    fn name(&self) -> &'static str;

    /// How much it holds.
    fn room(&self) -> BoxFuture<'_, Result<Room, Fault>>;

    /// Makes a volume and fills it; leaves one that is whole as it is.
    fn ensure(&self, volume: VolumeSpec, source: VolumeSource) -> BoxFuture<'_, Result<(), Fault>>;

    /// Removes a volume; fine when there is none.
    fn remove(&self, id: VolumeId) -> BoxFuture<'_, Result<(), Fault>>;

    /// Makes a volume reachable from a host; [`NotFound`](kit::FaultKind::NotFound) when there is none.
    fn connect(
        &self,
        volume: VolumeSpec,
        connector: Connector,
        read_only: bool,
    ) -> BoxFuture<'_, Result<ConnectionInfo, Fault>>;

    /// Undoes [`VolumeDriver::connect`]; fine when it was not connected.
    fn disconnect(&self, id: VolumeId, connector: Connector) -> BoxFuture<'_, Result<(), Fault>>;

    /// Prepares the backend, and removes every volume that is not in `known` and whatever was left half-made.
    fn prepare(&self, known: HashSet<VolumeId>) -> BoxFuture<'_, Result<(), Fault>>;
}
