//! Where the configuration comes from: defaults, then the file, then the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kit::config::{Config, DataDir, TlsMode};

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
    /// The file does not say what it should.
    #[error("the configuration file {path} is not valid:\n{source}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// One of identity's values makes no sense.
    #[error(transparent)]
    Identity(#[from] identity::WrongSetting),
    /// A value makes no sense.
    #[error("{key} = {value:?} is not valid: {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
}

/// The configuration of `file` (defaults where there is none) with `overrides`.
///
/// # Errors
/// When the file cannot be read, holds an unknown key or a value of the wrong type, or a value makes no sense.
pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Config, SettingsError> {
    let mut config = match file {
        Some(path) => read(path)?,
        None => Config::default(),
    };
    if let Some(dir) = overrides.data_dir {
        config.data_dir = DataDir(dir);
    }
    if let Some(listen) = overrides.listen {
        config.api.listen = listen;
    }
    if let Some(hypervisor) = overrides.hypervisor {
        config.compute.hypervisor = hypervisor;
    }
    if let Some(driver) = overrides.network {
        config.network.driver = driver;
    }
    check(&config)?;
    Ok(config)
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

fn read(path: &Path) -> Result<Config, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|source| SettingsError::Parse { path: path.to_owned(), source: Box::new(source) })
}

fn check(config: &Config) -> Result<(), SettingsError> {
    let wrong = |key, value: &str, reason| Err(SettingsError::Value { key, value: value.to_owned(), reason });
    let hypervisor = config.compute.hypervisor.as_str();
    // `qemu+unix` names the socket of a daemon: still this host's.
    let local = ["qemu:///", "qemu+unix:///"].iter().any(|scheme| hypervisor.starts_with(scheme));
    if hypervisor != "fake" && !local {
        return wrong(
            "compute.hypervisor",
            hypervisor,
            "use fake, qemu:///system, qemu:///session or qemu:///embed?root=DIR",
        );
    }
    if !matches!(config.network.driver.as_str(), "linux" | "fake") {
        return wrong("network.driver", &config.network.driver, "use linux or fake");
    }
    if !matches!(config.volume.driver.as_str(), "file" | "fake") {
        return wrong("volume.driver", &config.volume.driver, "use file or fake");
    }
    let tls = &config.api.tls;
    let both = tls.certificate.as_os_str().is_empty() == tls.key.as_os_str().is_empty();
    if !both {
        let set = if tls.key.as_os_str().is_empty() { &tls.certificate } else { &tls.key };
        return wrong("api.tls.certificate", &set.to_string_lossy(), "api.tls.certificate and api.tls.key go together");
    }
    if tls.mode == TlsMode::Off && !config.api.listen.ip().is_loopback() && !tls.allow_plain_http {
        let reason =
            "passwords would cross the network in clear: listen on 127.0.0.1, or set api.tls.allow_plain_http = true";
        return wrong("api.tls.mode", "off", reason);
    }
    let prefix = config.network.device_prefix.as_str();
    if prefix.is_empty()
        || prefix.len() > 3
        || !prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return wrong("network.device_prefix", prefix, "use one to three lower-case letters or digits");
    }
    Ok(identity::check_settings(&config.identity)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cloudbox.toml");
        std::fs::write(&file, "[api]\nregion = 'Home'\nlisten = '127.0.0.1:1'\n").unwrap();
        let overrides = Overrides { listen: Some("127.0.0.1:2".parse().unwrap()), ..Overrides::default() };
        let config = load(Some(&file), overrides).unwrap();
        assert_eq!((config.api.region.as_str(), config.api.listen.port()), ("Home", 2));
        assert_eq!(config.identity.token_ttl_secs, 3600);
    }

    #[test]
    fn mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cloudbox.toml");
        std::fs::write(&file, "[api]\nlissten = '127.0.0.1:1'\n").unwrap();
        assert!(load(Some(&file), Overrides::default()).unwrap_err().to_string().contains("lissten"));
        let overrides = Overrides { hypervisor: Some("xen".to_owned()), ..Overrides::default() };
        assert!(load(None, overrides).unwrap_err().to_string().contains("compute.hypervisor = \"xen\""));
        std::fs::write(&file, "[identity.passwords]\npasses = 0\n").unwrap();
        let error = load(Some(&file), Overrides::default()).unwrap_err().to_string();
        assert_eq!(error, "identity.passwords.passes = 0 is not valid: use 1 to 16");
    }

    #[test]
    fn differences_are_named() {
        let (one, mut other) = (Config::default(), Config::default());
        assert_eq!(differences(&one, &other), [""; 0]);
        other.api.tls.names = vec!["a".to_owned()];
        other
            .identity
            .oidc
            .insert("acme".to_owned(), kit::config::OidcConfig { issuer: "i".to_owned(), ..Default::default() });
        other.core_dumps = true;
        let found = differences(&one, &other);
        for key in ["api.tls.names", "core_dumps", "identity.oidc.acme.issuer"] {
            assert!(found.iter().any(|other| other == key), "{key} in {found:?}");
        }
    }

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let shipped: Config = toml::from_str(include_str!("../config/cloudbox.toml")).unwrap();
        assert_eq!(toml::Value::try_from(&shipped).unwrap(), toml::Value::try_from(Config::default()).unwrap());
        let text = include_str!("../config/cloudbox.toml");
        let mut tables = vec![("".to_owned(), toml::Table::try_from(Config::default()).unwrap())];
        while let Some((name, table)) = tables.pop() {
            for (key, value) in table {
                let (line, found) = match value {
                    toml::Value::Table(inner) => {
                        let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                        let line = format!("[{name}]");
                        tables.push((name, inner));
                        (line.clone(), text.lines().any(|other| other == line))
                    }
                    _ => (key.clone(), text.lines().any(|line| line.starts_with(&format!("{key} = ")))),
                };
                assert!(found, "{line} is not in the shipped file");
            }
        }
    }
}
