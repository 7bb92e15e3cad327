//! `cloudbox init`: sets this host up as a cloud, with choices. `serve` does the same without asking.
//!
//! It writes what was chosen into the configuration file, which keeps everything else that is in it, and makes all that a new
//! cloud has. Interrupted anywhere, it can be run again; so can it once the cloud is there.

mod lan;
mod plan;

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use kit::config::Lan;

use super::output::Output;
use super::problem::{Problem, Result};
use super::{config, summary};
use crate::appliance::{Appliance, Made, StartError};
use crate::settings::{self, Overrides};
use plan::{Choice, Plan};

/// Set this host up as a cloud.
#[derive(Debug, Args)]
pub struct Init {
    /// Write the configuration to FILE
    #[arg(long, value_name = "FILE", default_value = settings::DEFAULT_FILE)]
    config: PathBuf,
    /// Keep everything (database, images, disks) below DIR; the same as --data-dir
    #[arg(long, value_name = "DIR")]
    storage: Option<PathBuf>,
    /// Answer all APIs at ADDR:PORT
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The URL that clients reach them by
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The range of the guests' network; what leaves it is masqueraded (NAT)
    #[arg(long, value_name = "CIDR")]
    subnet: Option<String>,
    /// The range of the external network, whose addresses exist on this host alone
    #[arg(long, value_name = "CIDR", conflicts_with = "external_interface")]
    external_subnet: Option<String>,
    /// Take the external network's addresses from the LAN that this network device is in
    #[arg(long, value_name = "DEVICE", requires = "external_range")]
    external_interface: Option<String>,
    /// Addresses of the LAN that nobody else uses, as in 192.168.1.200-220
    #[arg(long, value_name = "FIRST-LAST", requires = "external_interface")]
    external_range: Option<String>,
    /// fake, qemu:///system, qemu:///session or qemu:///embed?root=DIR
    #[arg(long, value_name = "URI")]
    hypervisor: Option<String>,
    /// fake or linux
    #[arg(long, value_name = "DRIVER")]
    network: Option<String>,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Init {
    /// Runs it. `data_dir` is the option of that name.
    ///
    /// # Errors
    /// When what was chosen cannot be, or cannot be made.
    pub fn run(mut self, data_dir: Option<&Path>, out: Output) -> Result<()> {
        self.storage = self.storage.or_else(|| data_dir.map(Path::to_owned));
        let present = self.present()?;
        if !self.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            self.ask(&present)?;
        }
        let plan = Plan::new(&self.config, self.choices()?, &present)?;
        let new = plan.config()?;
        plan::check_host(&new)?;
        if self.dry_run {
            return out.raw(&plan.told(&new));
        }
        plan.write()?;
        let made = make(&new)?;
        out.raw(&summary::of(&made, &next(&self.config, &made)))
    }

    /// What the file says by now; the defaults where there is none.
    fn present(&self) -> Result<kit::config::Config> {
        let file = self.config.exists().then_some(self.config.as_path());
        settings::load(file, Overrides::default()).map_err(|error| config::problem(&error))
    }

    fn ask(&mut self, present: &kit::config::Config) -> Result<()> {
        if self.storage.is_none() {
            self.storage = ask("Keep everything below", &present.data_dir.0.display().to_string())?.map(PathBuf::from);
        }
        if self.listen.is_none()
            && let Some(answer) = ask("Answer all APIs at", &present.api.listen.to_string())?
        {
            let wrong = |_| Problem::usage(format!("{answer} is not ADDR:PORT")).hint("for example 0.0.0.0:8774");
            self.listen = Some(answer.parse().map_err(wrong)?);
        }
        if self.subnet.is_none() {
            self.subnet = ask("Range of the guests' network", &present.network.default_cidr)?;
        }
        if self.external_subnet.is_none() && self.external_interface.is_none() {
            self.external_subnet =
                ask("Range of the external network, on this host alone", &present.network.external_cidr)?;
        }
        Ok(())
    }

    fn choices(&self) -> Result<Vec<Choice>> {
        let lan = match (&self.external_interface, &self.external_range) {
            (Some(interface), Some(range)) => Some(lan::find(interface, range)?),
            _ => None,
        };
        let of_lan = |part: fn(&Lan) -> String| lan.as_ref().map(part);
        let storage = self.storage.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        let all = [
            ("data_dir", storage.map(|path| path.display().to_string())),
            ("api.listen", self.listen.map(|listen| listen.to_string())),
            ("api.public_url", self.public_url.clone()),
            ("network.default_cidr", self.subnet.clone()),
            ("network.external_cidr", self.external_subnet.clone().or(of_lan(|lan| lan.cidr.to_string()))),
            ("network.external_interface", of_lan(|lan| lan.interface.clone())),
            ("network.external_gateway", of_lan(|lan| lan.gateway.to_string())),
            ("network.external_range", of_lan(|lan| format!("{}-{}", lan.first, lan.last))),
            ("compute.hypervisor", self.hypervisor.clone()),
            ("network.driver", self.network.clone()),
        ];
        Ok(all.into_iter().filter_map(|(key, value)| Some(Choice { key, value: value? })).collect())
    }
}

/// The answer to a question; nothing where the default was taken.
fn ask(question: &str, default: &str) -> Result<Option<String>> {
    let asked = |error| Problem::io("cannot ask", &error);
    let mut terminal = std::io::stderr();
    write!(terminal, "{question} [{default}]: ").and_then(|()| terminal.flush()).map_err(asked)?;
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer).map_err(asked)? == 0 {
        return Err(Problem::usage("there was no answer").hint("--yes takes the defaults"));
    }
    let answer = answer.trim();
    Ok((!answer.is_empty() && answer != default).then(|| answer.to_owned()))
}

fn make(config: &kit::config::Config) -> Result<Made> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::io("cannot start", &error))?;
    runtime.block_on(Appliance::prepare(config)).map_err(|error| {
        let problem = match error.exit_code() {
            2 => Problem::usage(error.to_string()),
            4 => Problem::not_allowed(error.to_string()),
            _ => Problem::failed(error.to_string()),
        };
        match error {
            StartError::Store(store::OpenError::Locked { .. }) => {
                problem.hint("the cloud runs already; `systemctl restart cloudbox` takes the new configuration in")
            }
            _ => problem.hint("what was made stays; run `cloudbox init` again once that is mended"),
        }
    })
}

/// How the cloud is started.
fn next(file: &Path, made: &Made) -> String {
    let usual = file == Path::new(settings::DEFAULT_FILE);
    let start = match usual && Path::new("/run/systemd/system").exists() {
        true => "  systemctl enable --now cloudbox".to_owned(),
        false if usual => "  cloudbox serve".to_owned(),
        false => format!("  cloudbox serve --config {}", file.display()),
    };
    format!("{start}\nand then\n{}", summary::next_in(made))
}
