//! The options of every client command.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Format;

/// Where a cloud on this host keeps its data, unless it is told otherwise.
const DATA_DIR: &str = "/var/lib/cloudbox";

/// Which cloud, and how to answer.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Client options")]
pub struct Global {
    /// The cloud of clouds.yaml to talk to [env: OS_CLOUD]
    #[arg(long, global = true, value_name = "NAME")]
    pub os_cloud: Option<String>,
    /// The data directory of a cloud on this host, for its administrator [default: /var/lib/cloudbox]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How to print what there is
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// Print ids only, and no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colours [env: NO_COLOR]
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Global {
    /// The data directory of the cloud on this host.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR))
    }
}
