//! Which of the host's domains belong to this cloud.
//!
//! A domain is ours when its metadata has our element with our `owner` and the domain's own UUID: two clouds on one libvirt
//! leave each other's guests alone, and a copy that somebody makes of a guest (`virt-clone` copies metadata) is his. Asking libvirt takes a call per domain and is not possible in a callback: what is known is
//! kept here, filled when a connection is opened or a domain defined.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

#[derive(Debug)]
struct Known {
    console_log: Option<PathBuf>,
    /// Its definition is gone: whatever has its UUID now has to be looked at.
    doubtful: bool,
}

/// The domains that are known to be ours, with their console logs.
#[derive(Debug, Default)]
pub struct Ours(Mutex<HashMap<Uuid, Known>>);

impl Ours {
    /// Whether events of the domain matter.
    pub fn contains(&self, uuid: Uuid) -> bool {
        self.lock().contains_key(&uuid)
    }

    /// Whether the domain is ours beyond doubt.
    pub fn are_sure_of(&self, uuid: Uuid) -> bool {
        self.lock().get(&uuid).is_some_and(|known| !known.doubtful)
    }

    /// Notes that the domain has lost its definition.
    pub fn doubt(&self, uuid: Uuid) {
        if let Some(known) = self.lock().get_mut(&uuid) {
            known.doubtful = true;
        }
    }

    /// Notes that the domain is ours.
    pub fn add(&self, uuid: Uuid, console_log: Option<PathBuf>) {
        self.lock().insert(uuid, Known { console_log, doubtful: false });
    }

    /// Notes that the domain is no more.
    pub fn forget(&self, uuid: Uuid) {
        self.lock().remove(&uuid);
    }

    /// Forgets all but these.
    pub fn retain(&self, known: &[Uuid]) {
        self.lock().retain(|uuid, _| known.contains(uuid));
    }

    /// The console logs of all.
    pub fn console_logs(&self) -> Vec<PathBuf> {
        self.lock().values().filter_map(|known| known.console_log.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_undefined_is_heard_and_looked_at_again() {
        let (ours, uuid) = (Ours::default(), Uuid::from_u128(7));
        ours.doubt(uuid);
        assert!(!ours.contains(uuid));
        ours.add(uuid, Some(PathBuf::from("/log")));
        assert!(ours.contains(uuid) && ours.are_sure_of(uuid));
        ours.doubt(uuid);
        assert!(ours.contains(uuid) && !ours.are_sure_of(uuid));
        ours.add(uuid, None);
        assert!(ours.are_sure_of(uuid) && ours.console_logs().is_empty());
    }
}
