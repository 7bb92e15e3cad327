//! What `init` is about to do: the file's new text, and whether this host can be that cloud.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kit::config::Config;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::cli::config;
use crate::cli::problem::{Problem, Result};
use crate::clouds;
use crate::settings::{self, Overrides, Settings};

/// Less than this on the disk is hardly a guest.
const LITTLE: u64 = 10 << 30;

/// A key and what was chosen for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub key: &'static str,
    pub value: String,
}

/// The file as it is to be.
#[derive(Debug)]
pub(super) struct Plan {
    file: PathBuf,
    before: Option<String>,
    after: String,
    changes: Vec<String>,
}

impl Plan {
    /// With `choices` in `file`, which says `present` by now.
    pub(super) fn new(file: &Path, choices: Vec<Choice>, present: &Config) -> Result<Self> {
        let before = match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Problem::io(&format!("cannot read {}", file.display()), &error)),
        };
        let mut document: DocumentMut = before
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|error| Problem::usage(format!("{} is not valid TOML: {error}", file.display())))?;
        let now: Vec<(String, String)> = settings::keys(present)
            .into_iter()
            .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let mut changes = Vec::new();
        for Choice { key, value } in choices {
            if now.iter().any(|(other, old)| other == key && *old == value) {
                continue;
            }
            changes.push(format!("{key} = {value:?}"));
            set(&mut document, key, &value);
        }
        Ok(Self { file: file.to_owned(), before, after: document.to_string(), changes })
    }

    /// The configuration that the file will be.
    pub(super) fn config(&self) -> Result<Config> {
        let settings = Settings::parse(&self.file, &self.after, Overrides::default());
        settings.map(|settings| settings.config).map_err(|error| config::problem(&error))
    }

    /// What it is, in words.
    pub(super) fn told(&self, config: &Config) -> String {
        let file = self.file.display();
        let written = match (&self.before, self.changes.is_empty()) {
            (Some(_), true) => format!("{file} stays as it is\n"),
            (None, true) => format!("{file} is not needed: everything is as by default\n"),
            (before, false) => {
                let verb = if before.is_some() { "changes" } else { "is made" };
                format!("{file} {verb}:\n  {}\n", self.changes.join("\n  "))
            }
        };
        let made = if config.data_dir.0.join("cloudbox.db").exists() { "is there and is kept" } else { "is made" };
        format!("Nothing is done. Without --dry-run:\n{written}the cloud in {} {made}\n", config.data_dir.0.display())
    }

    /// Writes the file where it changes.
    pub(super) fn write(&self) -> Result<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let failed = |error| Problem::io(&format!("cannot write {}", self.file.display()), &error);
        if let Some(above) = self.file.parent() {
            std::fs::create_dir_all(above).map_err(failed)?;
        }
        clouds::replace(&self.file, &self.after, 0o644).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Problem::not_allowed(format!("{} is not yours to write", self.file.display()))
                    .hint("run it as root, or name another file with --config")
            }
            _ => failed(error),
        })
    }
}

/// Sets `key` in `document`, whose other lines stay.
fn set(document: &mut DocumentMut, key: &str, text: &str) {
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().unwrap_or(key);
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for part in parts {
        let item = table.entry(part).or_insert_with(|| Item::Table(Table::new()));
        let Some(inner) = item.as_table_like_mut() else { return };
        table = inner;
    }
    table.insert(last, value(text));
}

/// That this host can be the cloud of `config`.
pub(super) fn check_host(config: &Config) -> Result<()> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let prefix = config.network.device_prefix.as_str();
    let own = interfaces.iter().filter(|interface| !interface.name.starts_with(prefix));
    let addresses: Vec<(String, IpAddr)> = own.map(|interface| (interface.name.clone(), interface.ip())).collect();
    let lan = config.network.lan().ok().flatten();
    let pools = [("--subnet", &config.network.default_cidr), ("--external-subnet", &config.network.external_cidr)];
    for (option, range) in pools.into_iter().filter(|(option, _)| lan.is_none() || *option == "--subnet") {
        if let Some((device, address)) = overlap(range, &addresses) {
            return Err(Problem::usage(format!("{range} is in use: this host has {address} on {device}"))
                .hint(format!("choose another range with {option}")));
        }
    }
    if let Some(lan) = &lan {
        super::lan::check(lan, &addresses)?;
        // Nobody can ask the router's DHCP server which range is its own.
        eprintln!(
            "cloudbox: see to it that the LAN's DHCP server never gives out {} to {}, and no other device has one of them",
            lan.first, lan.last
        );
        if config.data_dir.0.join("cloudbox.db").exists() {
            eprintln!(
                "cloudbox: the networks that this cloud has stay as they are; docs/networking.md tells how it gets one of the LAN"
            );
        }
    }
    if let Some(free) = free(&config.data_dir.0).filter(|free| *free < LITTLE) {
        // Worth a word, not a refusal.
        eprintln!("cloudbox: only {} MiB are free for {}", free >> 20, config.data_dir.0.display());
    }
    Ok(())
}

fn overlap<'a>(range: &str, addresses: &'a [(String, IpAddr)]) -> Option<&'a (String, IpAddr)> {
    let range: ipnet::IpNet = range.parse().ok()?;
    addresses.iter().find(|(_, address)| range.contains(address))
}

/// The bytes that are free where `path` is or will be.
fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists())?;
    let about = rustix::fs::statvfs(there).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_what_people_wrote() {
        let mut document: DocumentMut =
            "# mine\ncore_dumps = true # why\n\n[network]\n# MTU\nmtu = 1400\n".parse().unwrap();
        set(&mut document, "network.default_cidr", "10.9.0.0/24");
        set(&mut document, "data_dir", "/srv");
        set(&mut document, "api.listen", "127.0.0.1:1");
        set(&mut document, "network.default_cidr", "10.8.0.0/24");
        assert_eq!(
            document.to_string(),
            "# mine\ncore_dumps = true # why\ndata_dir = \"/srv\"\n\n[network]\n# MTU\nmtu = 1400\ndefault_cidr = \"10.8.0.0/24\"\n\n\
             [api]\nlisten = \"127.0.0.1:1\"\n"
        );
    }

    #[test]
    fn a_range_that_the_host_is_in_is_found() {
        let addresses = [("eth0".to_owned(), "10.20.0.9".parse().unwrap())];
        assert!(overlap("10.20.0.0/24", &addresses).is_some());
        assert!(overlap("10.21.0.0/24", &addresses).is_none());
    }
}
