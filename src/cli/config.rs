//! `cloudbox config`: what is wrong with a configuration, and what is in force.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Column, Output, column, text};
use super::problem::{Problem, Result};
use crate::settings::{self, Origin, Overrides, Settings, SettingsError};

/// The configuration of the cloud on this host.
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say all that is wrong with a file, each with its line
    Check {
        /// The file [default: /etc/cloudbox/cloudbox.toml]
        file: Option<PathBuf>,
    },
    /// Show what is in force, and where it is from
    Show {
        /// Only these keys, or all below them: api.listen, network
        keys: Vec<String>,
        /// Read the configuration from FILE [default: /etc/cloudbox/cloudbox.toml, where there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

const SHOW: &[Column] = &[
    column("Key", |setting| text(setting, "/key")),
    column("Value", |setting| text(setting, "/shown")),
    column("From", |setting| text(setting, "/from")),
];

impl Config {
    /// Runs it. `data_dir` is the option of that name.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn run(self, data_dir: Option<&Path>, out: Output) -> Result<()> {
        match self.verb {
            Verb::Check { file } => check(file, out),
            Verb::Show { keys, config } => show(&keys, config.as_deref(), data_dir, out),
        }
    }
}

fn check(file: Option<PathBuf>, out: Output) -> Result<()> {
    let file = file.unwrap_or_else(|| PathBuf::from(settings::DEFAULT_FILE));
    match Settings::load(Some(&file), Overrides::default()) {
        Ok(_) => out.raw(&format!("{}: nothing is wrong\n", file.display())),
        Err(error) => Err(problem(&error)),
    }
}

/// A configuration that cannot be used, as the command line tells it.
pub(super) fn problem(error: &SettingsError) -> Problem {
    let count = match error {
        SettingsError::Invalid { findings, .. } => findings.len(),
        SettingsError::Read { .. } => return Problem::usage(error.to_string()),
    };
    let mistakes = if count == 1 { "a mistake".to_owned() } else { format!("{count} mistakes") };
    Problem::usage(format!("{mistakes} in the configuration:\n{error}"))
        .hint("every key is explained in the file that is shipped, config/cloudbox.toml")
}

fn show(wanted: &[String], file: Option<&Path>, data_dir: Option<&Path>, out: Output) -> Result<()> {
    let file = settings::file(file);
    let overrides = Overrides { data_dir: data_dir.map(Path::to_owned), ..Overrides::default() };
    let settings = Settings::load(file.as_deref(), overrides).map_err(|error| problem(&error))?;
    let is_wanted = |key: &str| {
        let below = |above: &String| {
            key.strip_prefix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        wanted.is_empty() || wanted.iter().any(below)
    };
    let rows: Vec<Value> = settings::keys(&settings.config)
        .into_iter()
        .filter(|(key, _)| is_wanted(key))
        .map(|(key, value)| {
            let from = match settings.origin(&key) {
                Origin::Default => "default".to_owned(),
                Origin::Option => "command line".to_owned(),
                Origin::Line(line) => format!("{}:{line}", settings.file().unwrap_or(Path::new("")).display()),
            };
            json!({ "key": key, "value": value, "shown": value.to_string(), "from": from })
        })
        .collect();
    if rows.is_empty() {
        return Err(Problem::not_found(format!("there is no setting {}", wanted.join(", "))));
    }
    let bare = |mut row: Value| {
        row.as_object_mut().map(|row| row.remove("shown"));
        row
    };
    if out.is_data() {
        let rows: Vec<Value> = rows.into_iter().map(bare).collect();
        return out.list(&rows, SHOW);
    }
    out.list(&rows, SHOW)
}
