//! What every client verb is given: the way to the cloud, and how to answer.

use super::client::Client;
use super::credentials::{self, Surroundings};
use super::global::Global;
use super::output::Output;
use super::problem::{Problem, Result};
use super::token_cache::TokenCache;

/// One command's way to the cloud, and how to answer.
pub struct Session {
    /// The APIs.
    pub client: Client,
    /// The output.
    pub out: Output,
    /// The options that have another command talk to the same cloud.
    pub cloud_options: Vec<String>,
}

impl Session {
    /// As the options and the surroundings say. Nothing is sent yet.
    ///
    /// # Errors
    /// When there are no credentials.
    pub fn open(global: &Global) -> Result<Self> {
        let credentials = credentials::find(global, &Surroundings::of_process())?;
        let kept = TokenCache::of(&credentials);
        Ok(Self {
            client: Client::new(credentials).keeping(kept),
            out: global.out(),
            cloud_options: global.cloud_options(),
        })
    }

    /// Does `one` for each of `names`; all are tried, and the first failure is the answer.
    ///
    /// # Errors
    /// The first failure.
    pub async fn each(&self, names: &[String], one: impl AsyncFn(&str) -> Result<()>) -> Result<()> {
        self.all(names, async |name| one(name).await).await.1
    }

    /// Does `one` for each of `things`, and answers what came of those that went well, and the first failure.
    pub async fn all<T, R>(&self, things: &[T], one: impl AsyncFn(&T) -> Result<R>) -> (Vec<R>, Result<()>) {
        let (mut done, mut failed) = (Vec::new(), Ok(()));
        for thing in things {
            match one(thing).await {
                Ok(result) => done.push(result),
                // The first is told at the end, with its hint and exit code.
                Err(problem) if failed.is_ok() => failed = Err(problem),
                Err(problem) => self.out.note(&format!("cloudbox: {problem}")),
            }
        }
        (done, failed)
    }
}

/// The pairs of `key=value` options.
///
/// # Errors
/// When there is no `=` in one.
pub fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Reads a small file whole.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Problem::io(&format!("cannot read {}", path.display()), &error))
}
