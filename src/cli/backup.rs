//! `cloudbox backup` and `cloudbox restore`: what the administrator of this host does to the cloud in a data directory. It may
//! be running while a backup is made.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Column, Output, column, size, text};
use super::problem::{Problem, Result};
use crate::backup::{self, BackupError, Manifest, Plan};

/// The configuration file that goes into a backup when none is named.
const CONFIG: &str = "/etc/cloudbox/cloudbox.toml";

/// Backups of a whole cloud.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a backup: database, keys, configuration, images and, where wanted, volumes and servers' disks; the cloud may be running
    Create(Create),
    /// List what is in a backup
    #[command(visible_alias = "ls")]
    List {
        /// The backup
        file: PathBuf,
    },
    /// Check every file in a backup against its sum
    Verify {
        /// The backup
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// The file to write; it must not be there yet
    file: PathBuf,
    /// With the volumes; one that a server writes to needs a file system that copies at once (btrfs, XFS)
    #[arg(long)]
    volumes: bool,
    /// With the disks of servers, which then come back with the cloud; of one that runs on such a file system only
    #[arg(long)]
    servers: bool,
    /// The configuration file to put into it [default: /etc/cloudbox/cloudbox.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Restore a backup into an empty data directory.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,
}

const FILES: &[Column] = &[
    column("File", |file| text(file, "/path")),
    column("Size", |file| size(file.pointer("/size").and_then(Value::as_u64).unwrap_or_default())),
    column("Mode", |file| format!("{:04o}", file.pointer("/mode").and_then(Value::as_u64).unwrap_or_default())),
    column("SHA-256", |file| text(file, "/sha256").chars().take(16).collect()),
];

const ONE: &[Column] = &[
    column("Made by", |made| format!("cloudbox {}", text(made, "/cloudbox"))),
    column("Made at", |made| text(made, "/created_at").chars().take(19).collect::<String>().replace('T', " ")),
    column("Host", |made| text(made, "/host")),
    column("Volumes", |made| text(made, "/volumes")),
    column("Servers", |made| text(made, "/servers")),
    column("Files", |made| made.pointer("/files").and_then(Value::as_array).map_or(0, Vec::len).to_string()),
    column("Size", |made| size(total(made))),
];

/// The size of all files of a manifest.
fn total(manifest: &Value) -> u64 {
    let files = manifest.pointer("/files").and_then(Value::as_array).into_iter().flatten();
    files.filter_map(|file| file.pointer("/size").and_then(Value::as_u64)).sum()
}

impl Backup {
    /// Does it to the cloud in `data_dir`.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub fn run(self, data_dir: &Path, out: Output) -> Result<()> {
        match self.verb {
            Verb::Create(create) => create.run(data_dir, out),
            Verb::List { file } => {
                let manifest = backup::list(&file).map_err(problem)?;
                if out.is_data() { show(&manifest, out) } else { out.list(&files(&manifest), FILES) }
            }
            Verb::Verify { file } => {
                let manifest = backup::verify(&file).map_err(problem)?;
                show(&manifest, out)?;
                out.note("every file is as it was");
                Ok(())
            }
        }
    }
}

impl Create {
    fn run(self, data_dir: &Path, out: Output) -> Result<()> {
        let plan = Plan {
            data_dir: data_dir.to_owned(),
            file: self.file,
            config: self.config.or_else(|| Some(PathBuf::from(CONFIG)).filter(|file| file.exists())),
            volumes: self.volumes,
            servers: self.servers,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            now: jiff::Timestamp::now(),
        };
        let manifest = backup::create(&plan).map_err(problem)?;
        show(&manifest, out)?;
        for part in backup::left_out(&plan).map_err(problem)? {
            out.note(&format!("not in it: {part}"));
        }
        out.note(&format!(
            "{} is written. It holds keys and password hashes: keep it where nobody else reads it.",
            plan.file.display()
        ));
        Ok(())
    }
}

impl Restore {
    /// Does it into `data_dir`.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub fn run(self, data_dir: &Path, out: Output) -> Result<()> {
        let manifest = backup::restore(&self.file, data_dir).map_err(problem)?;
        show(&manifest, out)?;
        let at = data_dir.display();
        out.note(&format!("the cloud is restored in {at}; start it with: cloudbox serve --data-dir {at}"));
        if manifest.files.iter().any(|file| file.path == "cloudbox.toml.restored") {
            out.note(&format!("its configuration file is {at}/cloudbox.toml.restored"));
        }
        Ok(())
    }
}

fn show(manifest: &Manifest, out: Output) -> Result<()> {
    let shown = serde_json::to_value(manifest).unwrap_or_else(|_| json!({}));
    out.show(&shown, ONE)
}

fn files(manifest: &Manifest) -> Vec<Value> {
    manifest.files.iter().filter_map(|file| serde_json::to_value(file).ok()).collect()
}

fn problem(error: BackupError) -> Problem {
    match &error {
        BackupError::NoCloud(_) => Problem::not_found(error.to_string()).hint("say where with --data-dir DIR"),
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Problem::not_found(error.to_string())
        }
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Problem::not_allowed(error.to_string()).hint("run it as root, or as the user that runs cloudbox")
        }
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
            Problem::failed(error.to_string()).hint("choose another name, or remove it")
        }
        _ => Problem::failed(error.to_string()),
    }
}
