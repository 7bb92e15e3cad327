//! `cloudbox clear-host`: what packages do before they are removed.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::problem::{Problem, Result};
use crate::appliance::clear_host;
use crate::settings::{self, Overrides};

/// Shut all guests of a stopped cloud down, and take its networks off this host; its data stays
///
/// When the cloud is started again, guests that ran are started again.
#[derive(Debug, Args)]
pub struct ClearHost {
    /// Read the configuration from FILE [default: /etc/cloudbox/cloudbox.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ClearHost {
    /// Does it, to the cloud of the configuration or the one in `data_dir`.
    ///
    /// # Errors
    /// The cloud runs, or something is left on the host.
    pub fn run(self, data_dir: Option<PathBuf>, out: Output) -> Result<()> {
        let file = settings::file(self.config.as_deref());
        let config = settings::load(file.as_deref(), Overrides { data_dir, ..Overrides::default() });
        let config = config.map_err(|error| Problem::usage(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Problem::io("cannot start", &error))?;
        let guests = runtime
            .block_on(clear_host(&config))
            .map_err(|error| Problem::failed(format!("this host is not clear of the cloud: {}", chain(&error))))?;
        out.note(&format!("this host is clear of the cloud; guests that were here: {guests}"));
        Ok(())
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
