//! A driver that keeps nothing but the promises.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bus::topics::volume::{ConnectionInfo, Connector};
use bus::topics::volume_agent::{VolumeSource, VolumeSpec};
use futures_util::future::BoxFuture;
use kit::Fault;
use kit::ids::VolumeId;

use super::driver::{Room, VolumeDriver};

/// Volumes in memory.
#[derive(Debug, Default)]
pub struct FakeDriver {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    volumes: BTreeMap<VolumeId, u64>,
    failures: u32,
}

impl FakeDriver {
    /// An empty backend.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails the next `times` verbs.
    pub fn fail(&self, times: u32) {
        self.state().failures = times;
    }

    /// The volumes that there are.
    #[must_use]
    pub fn volumes(&self) -> Vec<VolumeId> {
        self.state().volumes.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Fault>) -> BoxFuture<'_, Result<T, Fault>>
    where
        T: Send + 'static,
    {
        let mut state = self.state();
        let result = if state.failures > 0 {
            state.failures -= 1;
            Err(Fault::unavailable("The fake volume driver was told to fail."))
        } else {
            act(&mut state)
        };
        Box::pin(std::future::ready(result))
    }
}

impl VolumeDriver for FakeDriver {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn room(&self) -> BoxFuture<'_, Result<Room, Fault>> {
        Box::pin(std::future::ready(Ok(Room { total_gb: 10_000, free_gb: 10_000 })))
    }

    fn ensure(&self, volume: VolumeSpec, _: VolumeSource) -> BoxFuture<'_, Result<(), Fault>> {
        self.act(|state| {
            state.volumes.entry(volume.id).or_insert(volume.size_gb);
            Ok(())
        })
    }

    fn remove(&self, id: VolumeId) -> BoxFuture<'_, Result<(), Fault>> {
        self.act(|state| {
            state.volumes.remove(&id);
            Ok(())
        })
    }

    fn connect(
        &self,
        volume: VolumeSpec,
        _: Connector,
        read_only: bool,
    ) -> BoxFuture<'_, Result<ConnectionInfo, Fault>> {
        self.act(|state| match state.volumes.get(&volume.id) {
            Some(size_gb) => {
                let path = format!("/fake/volumes/{}", volume.id).into();
                Ok(ConnectionInfo::File { path, format: "raw".to_owned(), size_gb: *size_gb, read_only })
            }
            None => Err(Fault::not_found(format!("Volume {} is not on this host.", volume.id))),
        })
    }

    fn disconnect(&self, _: VolumeId, _: Connector) -> BoxFuture<'_, Result<(), Fault>> {
        self.act(|_| Ok(()))
    }

    /// Nothing is kept over a restart, so what is known is there again.
    fn prepare(&self, known: HashSet<VolumeId>) -> BoxFuture<'_, Result<(), Fault>> {
        self.act(|state| {
            state.volumes.retain(|id, _| known.contains(id));
            for id in known {
                state.volumes.entry(id).or_insert(1);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        super::super::contract::contract(Arc::new(FakeDriver::new())).await;
    }
}
