//! The fake host's guests: their state, and their files if they have any.
//!
//! A change is on the disk before it is in memory, and a file is replaced as a whole: a process that is killed leaves
//! each guest as it was before or after.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use kit::PowerState;
use kit::ids::ServerId;
use serde::{Deserialize, Serialize};

use crate::contract::guest::BANNER;
use crate::driver::CONSOLE_LOG_MAX;
use crate::error::DriverError;
use crate::spec::DomainSpec;

/// A guest that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guest {
    /// What it is started from next.
    pub next: DomainSpec,
    /// What it runs with.
    pub live: Option<DomainSpec>,
    /// Its state.
    pub state: PowerState,
    /// What it printed.
    pub console: String,
}

impl Guest {
    /// One that was never started.
    pub fn new(spec: DomainSpec) -> Self {
        Self { next: spec, live: None, state: PowerState::Shutdown, console: String::new() }
    }

    /// Whether it has what would be a process.
    pub fn is_active(&self) -> bool {
        self.live.is_some()
    }

    /// Starts it from its definition.
    pub fn start(&mut self) {
        self.live = Some(self.next.clone());
        self.state = PowerState::Running;
        self.print("fake firmware: no disk is real\n");
        for line in 1..=12 {
            self.print(&format!("fake guest: boot step {line} of 12\n"));
        }
        self.print(&format!("{BANNER}\n"));
    }

    /// Puts it into a state, with what follows from it.
    pub fn become_state(&mut self, state: PowerState) {
        self.state = state;
        if matches!(state, PowerState::Shutdown | PowerState::Crashed | PowerState::NoState) {
            self.live = None;
        }
    }

    /// Has it print; what is too old is forgotten.
    pub fn print(&mut self, text: &str) {
        self.console.push_str(text);
        let mut excess = self.console.len().saturating_sub(CONSOLE_LOG_MAX);
        while !self.console.is_char_boundary(excess) {
            excess += 1;
        }
        self.console.drain(..excess);
    }

    /// Its definitions: the live one first.
    pub fn definitions(&mut self) -> impl Iterator<Item = &mut DomainSpec> {
        self.live.iter_mut().chain(std::iter::once(&mut self.next))
    }
}

/// The fake host's guests.
#[derive(Debug, Default)]
pub(super) struct Guests {
    dir: Option<PathBuf>,
    guests: BTreeMap<ServerId, Guest>,
    stubborn: HashSet<ServerId>,
}

impl Guests {
    /// The guests that `dir` has.
    pub fn open(dir: Option<PathBuf>) -> std::io::Result<Self> {
        let mut guests = BTreeMap::new();
        if let Some(dir) = &dir {
            std::fs::create_dir_all(dir)?;
            for entry in std::fs::read_dir(dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    let guest: Guest = serde_json::from_slice(&std::fs::read(&path)?)?;
                    guests.insert(guest.next.server_id.clone(), guest);
                }
            }
        }
        Ok(Self { dir, guests, stubborn: HashSet::new() })
    }

    /// The guest, if there is one.
    pub fn find(&self, id: &ServerId) -> Option<&Guest> {
        self.guests.get(id)
    }

    /// The guest, which has to be there.
    pub fn get(&self, id: &ServerId) -> Result<&Guest, DriverError> {
        self.find(id).ok_or_else(|| DriverError::NotFound { server_id: id.clone() })
    }

    /// All guests, by id.
    pub fn all(&self) -> impl Iterator<Item = (&ServerId, &Guest)> {
        self.guests.iter()
    }

    /// Changes the guest, if `change` succeeds.
    pub fn change<T>(
        &mut self,
        id: &ServerId,
        change: impl FnOnce(&mut Guest) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let mut guest = self.get(id)?.clone();
        let answer = change(&mut guest)?;
        self.put(guest)?;
        Ok(answer)
    }

    /// Adds the guest, or replaces it.
    pub fn put(&mut self, guest: Guest) -> Result<(), DriverError> {
        let id = guest.next.server_id.clone();
        if let Some(dir) = &self.dir {
            write(dir, &id, &guest).map_err(|error| disk_failure("writing", &id, error))?;
        }
        self.guests.insert(id, guest);
        Ok(())
    }

    /// Takes the guest away. Answers whether it ran.
    pub fn remove(&mut self, id: &ServerId) -> Result<bool, DriverError> {
        let Some(guest) = self.guests.get(id) else { return Ok(false) };
        let active = guest.is_active();
        if let Some(dir) = &self.dir {
            match std::fs::remove_file(file(dir, id)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(disk_failure("removing", id, error));
                }
                _ => {}
            }
        }
        self.guests.remove(id);
        self.stubborn.remove(id);
        Ok(active)
    }

    /// From now on the guest does nothing that it is asked for.
    pub fn make_stubborn(&mut self, id: &ServerId) {
        self.stubborn.insert(id.clone());
    }

    /// Whether the guest does nothing that it is asked for.
    pub fn is_stubborn(&self, id: &ServerId) -> bool {
        self.stubborn.contains(id)
    }
}

fn file(dir: &Path, id: &ServerId) -> PathBuf {
    dir.join(format!("{id}.json"))
}

fn write(dir: &Path, id: &ServerId, guest: &Guest) -> std::io::Result<()> {
    let draft = dir.join(format!("{id}.new"));
    let mut out = std::fs::File::create(&draft)?;
    out.write_all(&serde_json::to_vec(guest)?)?;
    drop(out);
    std::fs::rename(draft, file(dir, id))
}

fn disk_failure(verb: &str, id: &ServerId, error: std::io::Error) -> DriverError {
    DriverError::Hypervisor { doing: format!("{verb} the fake guest {id}"), source: Box::new(error) }
}
