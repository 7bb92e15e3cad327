//! `cloudbox identity`: what the administrator of this host does to the cloud in a data directory. It need not be running.

use std::path::Path;

use clap::{Args, Subcommand};
use identity::KeyError;
use kit::Timestamp;

use super::output::Output;
use super::problem::{Problem, Result};

/// The keys that a cloud on this host seals tokens with.
#[derive(Debug, Args)]
pub struct Identity {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Seal new tokens with a new key, in the data directory; a cloud that runs takes it up within a minute
    RotateKeys(RotateKeys),
}

#[derive(Debug, Args)]
struct RotateKeys {
    /// Throw the keys before it away: every token ends, and all must log in again
    #[arg(long)]
    end_all_tokens: bool,
}

impl Identity {
    /// Does it to the cloud in `data_dir`.
    ///
    /// # Errors
    /// There is no cloud there, or its files cannot be changed.
    pub fn run(self, data_dir: &Path, out: Output) -> Result<()> {
        match self.verb {
            Verb::RotateKeys(rotate) => rotate_keys(data_dir, rotate.end_all_tokens, out),
        }
    }
}

fn rotate_keys(data_dir: &Path, end_all_tokens: bool, out: Output) -> Result<()> {
    let keys =
        identity::rotate_keys(data_dir, Timestamp::now(), end_all_tokens).map_err(|error| problem(data_dir, error))?;
    let what = if end_all_tokens { "all tokens end" } else { "tokens sealed with older ones stay good" };
    out.note(&format!("a new key seals tokens; {keys} in use, {what}. A running cloud takes it up within a minute."));
    Ok(())
}

fn problem(data_dir: &Path, error: KeyError) -> Problem {
    match error {
        KeyError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Problem::not_found(format!("there is no cloud in {}", data_dir.display()))
                .hint("say where with --data-dir DIR")
        }
        KeyError::File { doing, path, source } => Problem::io(&format!("{doing} {}", path.display()), &source),
        error => Problem::failed(error.to_string()),
    }
}
