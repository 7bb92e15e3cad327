//! Where the configuration comes from: defaults, then the file, then the command line; and what is wrong with it.

mod document;
mod finding;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kit::config::{Config, DataDir};

use document::Document;
pub use finding::Finding;

/// The configuration file that is read when none is named.
pub const DEFAULT_FILE: &str = "/etc/cloudbox/cloudbox.toml";

/// What the command line says, over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--hypervisor`.
    pub hypervisor: Option<String>,
    /// `--network`.
    pub network: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says what cannot be.
    #[error("{}", told(file.as_deref(), findings))]
    Invalid {
        /// The file, where there is one.
        file: Option<PathBuf>,
        /// All that is wrong, in the order of its lines.
        findings: Vec<Finding>,
    },
}

/// `FILE:LINE:COLUMN: what` for each.
fn told(file: Option<&Path>, findings: &[Finding]) -> String {
    let line = |finding: &Finding| match (file, finding.place) {
        (Some(file), Some(_)) => format!("{}:{finding}", file.display()),
        _ => finding.to_string(),
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A configuration, and where each of its values is from.
pub struct Settings {
    /// What is in force.
    pub config: Config,
    file: Option<(PathBuf, Document)>,
    given: BTreeSet<&'static str>,
}

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// This line of the file.
    Line(usize),
    /// An option of the command line.
    Option,
}

impl Settings {
    /// The settings of `file` (defaults where there is none) with `overrides`.
    ///
    /// # Errors
    /// When the file cannot be read; or with all that is wrong.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, SettingsError> {
        let Some(path) = file else { return Self::of(None, Config::default(), Vec::new(), overrides) };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text, overrides)
    }

    /// As [`Settings::load`], where `path` holds `text`, or is to hold it.
    ///
    /// # Errors
    /// With all that is wrong.
    pub fn parse(path: &Path, text: &str, overrides: Overrides) -> Result<Self, SettingsError> {
        let (document, config, findings) = Document::read(text);
        Self::of(Some((path.to_owned(), document)), config, findings, overrides)
    }

    fn of(
        file: Option<(PathBuf, Document)>,
        mut config: Config,
        mut findings: Vec<Finding>,
        overrides: Overrides,
    ) -> Result<Self, SettingsError> {
        let given = overrides.apply(&mut config);
        // What is in it is used by processes with other working directories.
        if let Ok(dir) = std::path::absolute(&config.data_dir.0) {
            config.data_dir.0 = dir;
        }
        for wrong in rules::check(&config) {
            let place =
                file.as_ref().filter(|_| !given.contains(wrong.key)).and_then(|(_, file)| file.place(wrong.key));
            findings.push(Finding {
                place,
                text: format!("{} = {} is not valid: {}", wrong.key, wrong.value, wrong.reason),
            });
        }
        findings.sort_by_key(|finding| finding.place.unwrap_or((usize::MAX, 0)));
        if findings.is_empty() {
            return Ok(Self { config, file, given });
        }
        Err(SettingsError::Invalid { file: file.map(|(path, _)| path), findings })
    }

    /// Where the value of `key` is from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        let line = self.file.as_ref().and_then(|(_, document)| document.line_of(key));
        match line {
            _ if self.given.contains(key) => Origin::Option,
            Some(line) => Origin::Line(line),
            None => Origin::Default,
        }
    }

    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }
}

impl Overrides {
    /// Puts them over `config`. The keys that they set.
    fn apply(self, config: &mut Config) -> BTreeSet<&'static str> {
        let mut given = BTreeSet::new();
        if let Some(dir) = self.data_dir {
            config.data_dir = DataDir(dir);
            given.insert("data_dir");
        }
        if let Some(listen) = self.listen {
            config.api.listen = listen;
            given.insert("api.listen");
        }
        if let Some(hypervisor) = self.hypervisor {
            config.compute.hypervisor = hypervisor;
            given.insert("compute.hypervisor");
        }
        if let Some(driver) = self.network {
            config.network.driver = driver;
            given.insert("network.driver");
        }
        given
    }
}

/// The configuration of `file` (defaults where there is none) with `overrides`.
///
/// # Errors
/// As [`Settings::load`].
pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Config, SettingsError> {
    Settings::load(file, overrides).map(|settings| settings.config)
}

/// `named`, or else the usual file where there is one.
#[must_use]
pub fn file(named: Option<&Path>) -> Option<PathBuf> {
    let usual = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists());
    named.map(Path::to_owned).or_else(usual)
}

/// Every key of `config` with its value, in order: `api.tls.mode`.
#[must_use]
pub fn keys(config: &Config) -> Vec<(String, toml::Value)> {
    let mut found = Vec::new();
    if let Ok(table) = toml::Table::try_from(config) {
        flatten("", table, &mut found);
    }
    found
}

fn flatten(above: &str, table: toml::Table, found: &mut Vec<(String, toml::Value)>) {
    for (key, value) in table {
        let key = if above.is_empty() { key } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, found),
            value => found.push((key, value)),
        }
    }
}

/// The keys whose values differ.
#[must_use]
pub fn differences(one: &Config, other: &Config) -> Vec<String> {
    let (one, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (keys(one).into_iter().collect(), keys(other).into_iter().collect());
    let all: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    all.into_iter().filter(|key| one.get(*key) != other.get(*key)).cloned().collect()
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
