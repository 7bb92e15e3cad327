//! The numbers that packets carry for ports, and the conntrack zones of networks.
//!
//! A port's number is the packet mark that leads to its chains; it means nothing beyond one packet's way.
//! A network's zone means something as long as its connections live, so zones are kept in a file: a restart of the
//! process must not cut them off.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kit::ids::{NetworkId, PortId};

use crate::drivers::desired::Desired;
use crate::drivers::driver::{DriverError, DriverResult};

/// The zones below are left to others.
const FIRST_ZONE: u16 = 4096;

/// The numbers in use.
#[derive(Debug)]
pub struct Numbers {
    ports: BTreeMap<PortId, u32>,
    next_port: u32,
    zones: BTreeMap<NetworkId, u16>,
    next_zone: u16,
    file: PathBuf,
}

impl Numbers {
    /// The zones kept in `file`; none when there is no such file.
    pub async fn load(file: PathBuf) -> DriverResult<Self> {
        let zones: BTreeMap<NetworkId, u16> = match tokio::fs::read(&file).await {
            // A file that cannot be read costs the connections under way, not the start.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "the file of conntrack zones is unreadable; giving out new ones");
                BTreeMap::new()
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(DriverError::io("reading the conntrack zones", error)),
        };
        let next_zone = zones.values().max().map_or(FIRST_ZONE, |last| last.wrapping_add(1).max(FIRST_ZONE));
        Ok(Self { ports: BTreeMap::new(), next_port: 1, zones, next_zone, file })
    }

    /// Numbers for whatever is new; takes back those of what is gone.
    pub async fn assign(&mut self, desired: &Desired) -> DriverResult<()> {
        if self.update(desired)? {
            let doing = || format!("keeping the conntrack zones in {}", self.file.display());
            let bytes = serde_json::to_vec(&self.zones).map_err(|error| DriverError::io(doing(), error.into()))?;
            let draft = self.file.with_extension("new");
            tokio::fs::write(&draft, bytes).await.map_err(|error| DriverError::io(doing(), error))?;
            tokio::fs::rename(&draft, &self.file).await.map_err(|error| DriverError::io(doing(), error))?;
        }
        Ok(())
    }

    /// True when the zones have changed.
    fn update(&mut self, desired: &Desired) -> DriverResult<bool> {
        self.ports.retain(|port, _| desired.ports.contains_key(port));
        for port in desired.ports.keys() {
            if !self.ports.contains_key(port) {
                let used: std::collections::BTreeSet<u32> = self.ports.values().copied().collect();
                while self.next_port == 0 || used.contains(&self.next_port) {
                    self.next_port = self.next_port.wrapping_add(1);
                }
                self.ports.insert(port.clone(), self.next_port);
                self.next_port = self.next_port.wrapping_add(1);
            }
        }
        let before = self.zones.len();
        self.zones.retain(|network, _| desired.networks.contains_key(network));
        let mut changed = self.zones.len() != before;
        for network in desired.networks.keys() {
            if !self.zones.contains_key(network) {
                let zone = self.free_zone()?;
                self.zones.insert(network.clone(), zone);
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The zone that has been out of use the longest.
    fn free_zone(&mut self) -> DriverResult<u16> {
        for _ in FIRST_ZONE..=u16::MAX {
            let zone = self.next_zone;
            self.next_zone = zone.checked_add(1).unwrap_or(FIRST_ZONE);
            if !self.zones.values().any(|used| *used == zone) {
                return Ok(zone);
            }
        }
        let why = "all conntrack zones are in use".to_owned();
        Err(DriverError::Unsupported { what: "another network".to_owned(), why })
    }

    /// A port's number; none when it has none yet.
    #[must_use]
    pub fn port(&self, id: &PortId) -> Option<u32> {
        self.ports.get(id).copied()
    }

    /// A network's zone; none when it has none yet.
    #[must_use]
    pub fn zone(&self, id: &NetworkId) -> Option<u16> {
        self.zones.get(id).copied()
    }
}
