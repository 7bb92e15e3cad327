//! What `cloudbox doctor` finds out about a host: whether guests can run fast, what is missing, what is in the way, and what
//! earlier guests left behind.
//!
//! A check is a pure function of [`Facts`], which are read through a small trait; it answers with [`Finding`]s, each with the
//! command that mends it. Only what cannot hurt is mended by the doctor itself: [`Finding::fix`].

mod facts;
mod host;
mod leftovers;
mod network;
mod programs;
mod storage;
#[cfg(test)]
mod testing;
mod virtualisation;

use kit::config::Config;
use serde::Serialize;

pub use facts::{Facts, Known, Ran, Space};
pub use host::Host;

/// How it is with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// The cloud works, but not as it could.
    Warn,
    /// The cloud, or a part of it, does not work.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// The command that mends it, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// The command that the doctor may run itself, because it cannot hurt: program and arguments.
    #[serde(skip)]
    pub fix: Option<Vec<String>>,
}

impl Finding {
    fn new(check: &'static str, level: Level, found: impl Into<String>) -> Self {
        Self { check, level, found: found.into(), mend: None, fix: None }
    }

    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, found)
    }

    fn warn(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Warn, found)
    }

    fn fail(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Fail, found)
    }

    /// With what to do about it.
    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// With a command that mends it and cannot hurt.
    fn safely(mut self, words: &[&str]) -> Self {
        self.mend = Some(words.join(" "));
        self.fix = Some(words.iter().map(|word| (*word).to_owned()).collect());
        self
    }
}

/// Whether `config` asks for real guests and real networks.
fn runs_guests(config: &Config) -> bool {
    config.compute.hypervisor != "fake"
}

fn has_networks(config: &Config) -> bool {
    config.network.driver != "fake"
}

/// Looks at everything that matters to a cloud with `config`, in the order in which it matters.
#[must_use]
pub fn examine(facts: &dyn Facts, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !facts.is_root() {
        let found = "not run as root: what only root sees is left out or taken for missing";
        findings.push(Finding::warn("user", found).mend("sudo cloudbox doctor"));
    }
    if runs_guests(config) {
        findings.push(virtualisation::check(facts, config));
        findings.extend(programs::hypervisor(facts, config));
    }
    if has_networks(config) {
        findings.extend(programs::network(facts));
        findings.extend(network::check(facts));
        findings.extend(network::external_interface(facts, config));
    }
    findings.push(network::port(facts, config));
    findings.extend(storage::check(facts, config));
    findings.extend(leftovers::check(facts, config));
    findings
}
