//! Which of the host's domains belong to this cloud.
//!
//! A domain is ours when its metadata has our element with our `owner`; two clouds on one libvirt leave each
//! other's guests alone. Asking libvirt takes a call per domain and is not possible in a callback: what is known is
//! kept here, filled when a connection is opened or a domain defined.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// The domains that are known to be ours, with their console logs.
#[derive(Debug, Default)]
pub struct Ours(Mutex<HashMap<Uuid, Option<PathBuf>>>);

impl Ours {
    /// Whether the domain is known to be ours.
    pub fn contains(&self, uuid: Uuid) -> bool {
        self.lock().contains_key(&uuid)
    }

    /// Notes that the domain is ours.
    pub fn add(&self, uuid: Uuid, console_log: Option<PathBuf>) {
        self.lock().insert(uuid, console_log);
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
        self.lock().values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Option<PathBuf>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
