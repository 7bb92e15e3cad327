//! Security groups, anti-spoofing and the host's masquerading: two nftables tables, `bridge <prefix>` and `inet <prefix>`.
//!
//! How a packet of a guest goes:
//!
//! 1. `bridge` prerouting: a frame from a guest's tap must carry the port's MAC and one of its addresses (IPv4, ARP, IPv6,
//!    neighbour advertisements); DHCP servers' answers, router advertisements and other protocols than IP and
//!    ARP are dropped. The port's number goes into the packet's mark. What comes in by a veth of ours has mark 0.
//! 2. `inet` prerouting, where `br_netfilter` brings it: the mark leads to the sender's chain, by the direction of the
//!    packet within its connection. A conntrack zone per network keeps equal addresses of two networks apart.
//! 3. `bridge` forward puts the receiver's number into the mark, `inet` forward goes to the receiver's chain.
//!
//! Rules match on the connection's first packet (`ct original …`), and every packet is checked: what no rule lets through
//! any longer stops at once, connections under way included, and no conntrack entry has to be cut. What it costs depends
//! on the port's own groups, not on how many ports there are: the ways to them are maps.
//!
//! A bridge never hands a frame up to the host itself, nor takes one from it: the host's leg in a network whose
//! gateway it is, is a veth on the bridge like any other, so that guest and host meet under the same rules.
//!
//! Every change is one transaction with only what differs ([`ruleset`]); the first one of a process replaces both tables.
//! No table of anyone else is touched. Of foreign NAT rules (Docker's) bridged packets are kept free by binding
//! every connection to itself just before them. A foreign `FORWARD` chain that drops is another matter: see [`super::host`].
//!
//! Bridge-family conntrack (`CONFIG_NF_CONNTRACK_BRIDGE`) is not used: `br_netfilter` does on every kernel.

pub mod groups;
pub mod numbers;
pub mod ports;
pub mod ruleset;
pub mod tables;

use std::path::PathBuf;

use self::numbers::Numbers;
use self::ruleset::Ruleset;
use super::command::Tool;
use super::names::Names;
use crate::drivers::desired::Desired;
use crate::drivers::driver::DriverResult;

/// The two tables of one driver.
#[derive(Debug)]
pub struct Firewall {
    names: Names,
    numbers: Numbers,
    /// What the kernel has; none before the first change, and when that is not known.
    applied: Option<Ruleset>,
    replacements: u64,
}

impl Firewall {
    /// Takes up the numbers kept in `state_file`; changes nothing yet.
    pub async fn open(names: Names, state_file: PathBuf) -> DriverResult<Self> {
        Ok(Self { names, numbers: Numbers::load(state_file).await?, applied: None, replacements: 0 })
    }

    /// Makes the tables say what `desired` wants.
    pub async fn apply(&mut self, desired: &Desired) -> DriverResult<()> {
        self.numbers.assign(desired).await?;
        let wanted = Ruleset::render(&self.names, desired, &self.numbers);
        let table = self.names.prefix();
        let changed = match &self.applied {
            Some(applied) => match wanted.changes_from(applied, table) {
                Some(script) => run(script).await,
                None => Ok(()),
            },
            None => self.replace(&wanted).await,
        };
        if let Err(error) = changed {
            // Somebody else may have changed or flushed the tables: put them back as a whole.
            self.applied = None;
            tracing::warn!(error = &error as &dyn std::error::Error, "replacing the nftables tables as a whole");
            self.replace(&wanted).await?;
        }
        self.applied = Some(wanted);
        Ok(())
    }

    async fn replace(&mut self, wanted: &Ruleset) -> DriverResult<()> {
        self.replacements += 1;
        run(wanted.replacement(self.names.prefix())).await
    }

    /// How often the tables were replaced as a whole: once at the start, and whenever somebody had changed them.
    #[must_use]
    pub fn replacements(&self) -> u64 {
        self.replacements
    }

    /// Forgets what the kernel has: the next change replaces all.
    pub fn forget(&mut self) {
        self.applied = None;
    }

    /// Puts the tables back if somebody took them away (`nft flush ruleset`). True when that was so.
    pub async fn repair(&mut self) -> DriverResult<bool> {
        let Some(applied) = &self.applied else { return Ok(false) };
        let tables = Tool::new("looking for the nftables tables", "nft", ["list", "tables"]).run().await?;
        let name = self.names.prefix();
        let there = |family: &str| tables.lines().any(|line| line.trim() == format!("table {family} {name}"));
        if there("bridge") && there("inet") {
            return Ok(false);
        }
        run(applied.replacement(name)).await?;
        Ok(true)
    }
}

async fn run(script: String) -> DriverResult<()> {
    Tool::new("changing the nftables rules", "nft", ["-f", "-"]).stdin(script).run().await.map(drop)
}

#[cfg(test)]
mod tests;
