//! `cloudbox serve`: the cloud itself.

mod signals;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kit::config::{self, Config};

use super::log::{self, LogLevel};
use super::summary;
use crate::appliance::Appliance;
use crate::settings::{self, Overrides};
use signals::Signals;

/// Run the cloud on this host.
#[derive(Debug, Args)]
pub struct Serve {
    /// Read the configuration from FILE [default: /etc/cloudbox/cloudbox.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep everything below DIR
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Answer all APIs at ADDR:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// fake, qemu:///system, qemu:///session or qemu:///embed?root=DIR
    #[arg(long, value_name = "URI")]
    hypervisor: Option<String>,
    /// fake or linux
    #[arg(long, value_name = "DRIVER")]
    network: Option<String>,
    /// How the log is written to standard error [default: what the configuration says, or auto]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// journald where the journal reads it, else text.
    Auto,
    /// For people.
    Text,
    /// A JSON object per line.
    Json,
    /// Text with levels as the journal wants them, without times.
    Journald,
}

impl From<LogFormat> for config::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto => Self::Auto,
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
            LogFormat::Journald => Self::Journald,
        }
    }
}

impl Serve {
    /// Serves until it is told to stop (SIGTERM, SIGINT).
    pub fn run(self) -> ExitCode {
        let file = settings::file(self.config.as_deref());
        let overrides = Overrides {
            data_dir: self.data_dir,
            listen: self.listen,
            hypervisor: self.hypervisor,
            network: self.network,
        };
        let config = match settings::load(file.as_deref(), overrides.clone()) {
            Ok(config) => config,
            Err(error) => return failed(2, &error),
        };
        let format = self.log_format.map(config::LogFormat::from);
        let log = match log::start(&config.log, format) {
            Ok(log) => log,
            Err(reason) => {
                eprintln!("cloudbox: {reason}");
                return ExitCode::from(2);
            }
        };
        if !config.core_dumps {
            keep_memory_private();
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("cloudbox").build() {
            Ok(runtime) => runtime,
            Err(error) => return failed(1, &error),
        };
        runtime.block_on(serve(config, file, overrides, log))
    }
}

/// Serves until it is told to stop.
async fn serve(config: Config, file: Option<PathBuf>, overrides: Overrides, log: LogLevel) -> ExitCode {
    // Before anything is started: whoever sends one as soon as it is ready must not meet the kernel's answer to it.
    let (mut hangups, mut ends) = match (Signals::hangups(), Signals::ends()) {
        (Ok(hangups), Ok(ends)) => (hangups, ends),
        (Err(error), _) | (_, Err(error)) => return failed(1, &error),
    };
    let started = tokio::select! {
        started = Appliance::start(config.clone()) => started,
        () = ends.next() => {
            eprintln!("cloudbox: told to stop before it was ready; the next start goes on from here");
            // Nobody waits for what is half started: it is as after a crash.
            std::process::exit(0);
        }
    };
    let appliance = match started {
        Ok(appliance) => appliance,
        Err(error) => return failed(error.exit_code(), &error),
    };
    eprintln!("cloudbox is ready at {}", appliance.public_url());
    if appliance.made().first {
        eprint!("{}", summary::of(appliance.made(), &summary::next_in(appliance.made())));
    }
    let mut config = config;
    loop {
        tokio::select! {
            () = ends.next() => break,
            () = hangups.next() => reload(&appliance, &mut config, file.as_deref(), &overrides, &log).await,
        }
    }
    tracing::info!("stopping");
    tokio::spawn(async move {
        ends.next().await;
        tracing::warn!("told to stop twice: stopping at once");
        std::process::exit(130);
    });
    if tokio::time::timeout(STOP_WITHIN, appliance.stop()).await.is_err() {
        eprintln!(
            "cloudbox: did not stop within {} s and is cut off; what was under way is taken up at the next start",
            STOP_WITHIN.as_secs()
        );
        // Whatever hangs would keep the runtime from ending, too.
        std::process::exit(1);
    }
    ExitCode::SUCCESS
}

/// Reads the configuration again. One that is broken changes nothing.
async fn reload(
    appliance: &Appliance,
    config: &mut Config,
    file: Option<&Path>,
    overrides: &Overrides,
    log: &LogLevel,
) {
    let (path, given) = (file.map(Path::to_owned), overrides.clone());
    let loaded = tokio::task::spawn_blocking(move || settings::load(path.as_deref(), given)).await;
    let new = match loaded {
        Ok(Ok(new)) => new,
        Ok(Err(error)) => {
            return tracing::error!(%error, "the configuration cannot be used; the one before is in force");
        }
        Err(error) => return tracing::error!(%error, "the configuration cannot be read; the one before is in force"),
    };
    if let Err(reason) = log.set(&new.log.level) {
        tracing::error!(reason, "the level of the log cannot be changed");
    }
    let waiting = appliance.reload(config, &new);
    for key in &waiting {
        tracing::warn!(key, "changed, and needs a restart to be in force");
    }
    tracing::info!("the configuration was read again");
    *config = new;
}

/// How long everything may take to stop; systemd waits longer.
const STOP_WITHIN: Duration = Duration::from_secs(55);

/// No core dumps, nor debuggers of the same user: passwords and keys pass through memory that nobody can wipe in time.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a crash may write passwords and keys to a core file");
    }
}

fn failed(code: u8, error: &(dyn std::error::Error + '_)) -> ExitCode {
    let mut said = error.to_string();
    eprintln!("cloudbox: {said}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some say it themselves, before what to do about it.
        if !said.contains(&text) {
            eprintln!("  because: {text}");
        }
        said = text;
        cause = error.source();
    }
    ExitCode::from(code)
}
