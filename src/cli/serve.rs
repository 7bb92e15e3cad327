//! `cloudbox serve`: the cloud itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::appliance::Appliance;
use crate::settings::{self, Overrides};

/// The configuration file that is read when none is named.
const DEFAULT_FILE: &str = "/etc/cloudbox/cloudbox.toml";

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
    /// How the log is written to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// A JSON object per line.
    Json,
}

impl Serve {
    /// Serves until it is told to stop (SIGTERM, SIGINT).
    pub fn run(self) -> ExitCode {
        start_log(self.log_format);
        let file = self.config.clone().or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        let overrides = Overrides {
            data_dir: self.data_dir,
            listen: self.listen,
            hypervisor: self.hypervisor,
            network: self.network,
        };
        let config = match settings::load(file.as_deref(), overrides) {
            Ok(config) => config,
            Err(error) => return failed(2, &error),
        };
        if !config.core_dumps {
            keep_memory_private();
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("cloudbox").build() {
            Ok(runtime) => runtime,
            Err(error) => return failed(1, &error),
        };
        runtime.block_on(async {
            outlive_hangups();
            let appliance = match Appliance::start(config).await {
                Ok(appliance) => appliance,
                Err(error) => return failed(1, &error),
            };
            eprintln!("cloudbox is ready at {}", appliance.public_url());
            told_to_stop().await;
            appliance.stop().await;
            ExitCode::SUCCESS
        })
    }
}

/// No core dumps, nor debuggers of the same user: passwords and keys pass through memory that nobody can wipe in time.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a crash may write passwords and keys to a core file");
    }
}

fn failed(code: u8, error: &(dyn std::error::Error + '_)) -> ExitCode {
    eprintln!("cloudbox: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::from(code)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("CLOUDBOX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Lets SIGHUP pass, which those send who rotate logs: the audit file is opened anew by itself. On a terminal it still means
/// that the terminal is gone.
fn outlive_hangups() {
    use tokio::signal::unix::{SignalKind, signal};
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return;
    }
    // Once there has been a stream of it, the signal does not end the process any more.
    if let Err(error) = signal(SignalKind::hangup()) {
        tracing::warn!(%error, "SIGHUP cannot be caught and would end this process");
    }
}

/// Waits for SIGTERM or SIGINT; a second one ends the process at once.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals; serving until killed");
        return std::future::pending().await;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping");
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::warn!("told to stop twice: stopping at once");
        std::process::exit(130);
    });
}
