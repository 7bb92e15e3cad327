//! `cloudbox doctor`: what is wrong with this host, and the commands that mend it.

use std::path::{Path, PathBuf};

use clap::Args;
use kit::config::{Config, DataDir};
use serde_json::Value;

use super::output::{Column, Output, column, text};
use super::problem::{Problem, Result};
use crate::doctor::{self, Facts as _, Finding, Host, Level};
use crate::settings::{self, Overrides};

/// The configuration file that is read when none is named.
const CONFIG: &str = "/etc/cloudbox/cloudbox.toml";

/// Look for what is wrong with this host, and say how to mend it. Ends with 1 where something fails.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Read the configuration from FILE [default: /etc/cloudbox/cloudbox.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mend what can be mended without harm: load modules, start services, remove dead devices
    #[arg(long)]
    fix: bool,
    /// As -o json
    #[arg(long)]
    json: bool,
}

const LIST: &[Column] = &[
    column("Check", |finding| text(finding, "/check")),
    column("Is", |finding| text(finding, "/level")),
    column("Found", |finding| text(finding, "/found")),
    column("Mend it with", |finding| text(finding, "/mend")),
];

impl Doctor {
    /// Does it; `data_dir` goes over the configuration.
    ///
    /// # Errors
    /// The configuration cannot be read, or something fails.
    pub fn run(self, data_dir: Option<&Path>, out: Output) -> Result<()> {
        let config = self.config(data_dir)?;
        let mut findings = doctor::examine(&Host, &config);
        if self.fix && fix(&findings, out) > 0 {
            findings = doctor::examine(&Host, &config);
        }
        let shown: Vec<Value> = findings.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect();
        match self.json {
            true => out.raw(&(Value::from(shown).to_string() + "\n"))?,
            false if out.is_table() => out.raw(&findings.iter().map(told).collect::<String>())?,
            false => out.list(&shown, LIST)?,
        }
        let failed: Vec<&str> =
            findings.iter().filter(|finding| finding.level == Level::Fail).map(|finding| finding.check).collect();
        match failed.is_empty() {
            true => Ok(()),
            false => Err(Problem::failed(format!("failed: {}", failed.join(", ")))),
        }
    }

    fn config(&self, data_dir: Option<&Path>) -> Result<Config> {
        let file = self.config.clone().or_else(|| Some(PathBuf::from(CONFIG)).filter(|file| file.exists()));
        let loaded = settings::load(file.as_deref(), Overrides::default());
        let mut config = loaded.map_err(|error| Problem::usage(error.to_string()))?;
        if let Some(data_dir) = data_dir {
            config.data_dir = DataDir(data_dir.to_owned());
        }
        Ok(config)
    }
}

/// A finding for people: a line, and another with what mends it.
fn told(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let line = format!("{level:<5} {:<15} {}\n", finding.check, finding.found);
    match &finding.mend {
        None => line,
        Some(mend) => format!("{line}{:22}mend it: {mend}\n", ""),
    }
}

/// Runs what mends without harm; how many commands were run.
fn fix(findings: &[Finding], out: Output) -> usize {
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let run = |words: &Vec<String>| {
        let Some((program, arguments)) = words.split_first() else { return };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = match Host.run(program, &arguments) {
            None => "it is not installed".to_owned(),
            Some(ran) if ran.ok => "done".to_owned(),
            Some(ran) => ran.stderr.trim().to_owned(),
        };
        out.note(&format!("{}: {said}", words.join(" ")));
    };
    fixes.map(run).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_mends_it() {
        let finding = |level, mend: Option<&str>| Finding {
            check: "clock",
            level,
            found: "nobody keeps it right".to_owned(),
            mend: mend.map(str::to_owned),
            fix: None,
        };
        assert_eq!(told(&finding(Level::Ok, None)), "ok    clock           nobody keeps it right\n");
        assert_eq!(
            told(&finding(Level::Fail, Some("timedatectl set-ntp true"))),
            "FAIL  clock           nobody keeps it right\n                      mend it: timedatectl set-ntp true\n"
        );
    }
}
