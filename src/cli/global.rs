//! The options of every client command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::output::{self, Filter, Format, Output, Sort, View};

/// Where a cloud on this host keeps its data, unless it is told otherwise.
pub const DATA_DIR: &str = "/var/lib/cloudbox";

/// Which cloud, and how to answer.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Client options")]
pub struct Global {
    /// The cloud of clouds.yaml to talk to [env: OS_CLOUD]
    #[arg(long, global = true, value_name = "NAME")]
    pub os_cloud: Option<String>,
    /// The data directory of a cloud on this host, for its administrator [default: /var/lib/cloudbox]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The project to log in to, in place of the one that is said elsewhere
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub os_project_name: Option<String>,
    /// Log in to the whole cloud: `all` [env: OS_SYSTEM_SCOPE]
    #[arg(long, global = true, hide_short_help = true, value_name = "all", conflicts_with = "os_project_name")]
    pub os_system_scope: Option<String>,
    /// The certificates (PEM) to trust the cloud by [env: OS_CACERT]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub os_cacert: Option<PathBuf>,
    /// Trust whoever answers, whatever its certificate says
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure: bool,
    /// How to print what there is
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// Print these columns, or fields of the API's objects, only
    #[arg(long, global = true, hide_short_help = true, value_name = "COLUMN", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Sort by a column; a - before it turns the order round
    #[arg(long, global = true, hide_short_help = true, value_name = "[-]COLUMN", value_parser = output::sort, allow_hyphen_values = true)]
    pub sort: Option<Sort>,
    /// Only what has such a column: status=act*, name!=web?; may be given more than once
    #[arg(long = "filter", global = true, hide_short_help = true, value_name = "COLUMN=GLOB", value_parser = output::filter)]
    pub filters: Vec<Filter>,
    /// Print no titles
    #[arg(long, global = true, hide_short_help = true)]
    pub no_headers: bool,
    /// List or show it again every so many seconds, until Ctrl-C [default: 2]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub watch: Option<u64>,
    /// Print ids only, and no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colours [env: NO_COLOR]
    #[arg(long, global = true, hide_short_help = true)]
    pub no_color: bool,
}

impl Global {
    /// The data directory of the cloud on this host.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR))
    }

    /// The options that have another command talk to the same cloud.
    #[must_use]
    pub fn cloud_options(&self) -> Vec<String> {
        let mut options = Vec::new();
        let mut option =
            |name: &str, value: Option<String>| options.extend(value.map(|value| format!("{name}={value}")));
        let text = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string();
        option("--os-cloud", self.os_cloud.clone());
        option("--data-dir", self.data_dir.as_ref().map(text));
        option("--os-project-name", self.os_project_name.clone());
        option("--os-system-scope", self.os_system_scope.clone());
        option("--os-cacert", self.os_cacert.as_ref().map(text));
        options.extend(self.insecure.then(|| "--insecure".to_owned()));
        options
    }

    /// The output that the options ask for.
    #[must_use]
    pub fn out(&self) -> Output {
        let view = View {
            columns: self.columns.clone(),
            sort: self.sort.clone(),
            filters: self.filters.clone(),
            no_headers: self.no_headers,
        };
        Output::new(self.output, self.quiet, self.no_color).with_view(view)
    }

    /// How long after it was printed it is printed again, where that is asked for.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        self.watch.map(Duration::from_secs)
    }
}
