//! The command line: what can be said, and the way from an error to an exit code.
//!
//! One file per noun. A verb of the client is given a [`session::Session`] and talks to the APIs as any other client would: nothing
//! here knows a service, a table or a driver, but for `serve`, `identity`, `doctor`, `backup` and `restore`, which are about this host. Results go to standard output, all else to standard error.
//! Exit codes are in [`topics`], where `cloudbox help exit-codes` has them from.

mod audit;
mod backup;
mod catalog;
mod clear_host;
mod client;
mod cloud_file;
mod config;
mod credentials;
mod doctor;
mod fault_text;
mod flavor;
mod global;
mod http;
mod identity;
mod image;
mod init;
mod keypair;
mod local_keys;
mod log;
mod login;
mod network;
mod nouns;
mod openrc;
mod output;
mod policy;
mod problem;
mod progress;
mod quota;
#[cfg(test)]
mod reference;
mod resolve;
mod security_group;
mod serve;
mod services;
mod session;
mod shell;
mod socket;
mod status;
mod summary;
mod terminal;
mod token;
mod token_cache;
mod topics;
mod trust;
mod versions;
mod vm;
mod volume;
mod wait;

use std::io::Write as _;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use global::Global;
use output::Output;
use problem::{Kind, Problem, Result};
use session::Session;

/// A cloud in one binary.
#[derive(Debug, Parser)]
#[command(name = "cloudbox", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the cloud on this host
    Serve(serve::Serve),
    /// Set this host up as a cloud: write the configuration, make all that it needs
    Init(init::Init),
    /// The configuration of the cloud on this host
    Config(config::Config),
    /// What tokens of a cloud on this host are sealed with
    Identity(identity::Identity),
    /// What is wrong with this host, and the commands that mend it
    Doctor(doctor::Doctor),
    /// Backups of a whole cloud on this host
    Backup(backup::Backup),
    /// Restore a backup into an empty data directory
    Restore(backup::Restore),
    /// Virtual machines
    #[command(visible_alias = "server")]
    Vm(vm::Vm),
    /// Images that VMs boot from
    Image(image::Image),
    /// Networks
    Network(network::Network),
    /// Security groups: what may reach VMs
    SecurityGroup(security_group::SecurityGroup),
    /// Volumes: disks that outlive a VM
    Volume(volume::Volume),
    /// Flavors: sizes of VMs
    Flavor(flavor::Flavor),
    /// SSH keys that may log in to VMs
    Keypair(keypair::Keypair),
    Quota(quota::Quota),
    Token(token::Token),
    Catalog(services::Services),
    /// Who may do what: the rules in force, and what they say to somebody
    Policy(policy::Policy),
    /// The record of logins and changes
    Audit(audit::Audit),
    /// How the cloud is: its parts, queues, running workflows and capacity
    Status(status::Status),
    /// Print the credentials in use as OS_* variables: source <(cloudbox openrc)
    Openrc,
    ClearHost(clear_host::ClearHost),
    /// Print completions for a shell
    Completion(shell::Completion),
    /// Write the manual pages into a directory
    #[command(hide = true)]
    Man(shell::Man),
    /// What the exit codes mean
    #[command(hide = true, long_about = topics::EXIT_CODES)]
    ExitCodes,
}

/// The verbs that only look: those that `--watch` goes with.
const LOOKS: [&str; 6] = ["list", "show", "trace", "audit", "status", "mine"];

/// The whole command line, for whoever describes it: shells, manual pages.
#[must_use]
pub fn command() -> clap::Command {
    nouns::add(Cli::command())
}

/// Runs the command line that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let global = Global::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let out = global.out();
    let done = if nouns::said(&matches).is_some() {
        client(&matches, &global)
    } else {
        match cli(&matches).command {
            Command::Serve(serve) => return serve.run(),
            Command::Init(init) => init.run(global.data_dir.as_deref(), out),
            Command::Config(config) => config.run(global.data_dir.as_deref(), out),
            Command::Identity(identity) => identity.run(global.data_dir(), out),
            Command::Doctor(doctor) => doctor.run(global.data_dir.as_deref(), out),
            Command::Backup(backup) => backup.run(global.data_dir(), out),
            Command::Restore(restore) => restore.run(global.data_dir(), out),
            Command::ClearHost(clear) => clear.run(global.data_dir.clone(), out),
            Command::Completion(completion) => completion.run(out),
            Command::Man(man) => man.run(),
            Command::ExitCodes => out.raw(topics::EXIT_CODES),
            _ => client(&matches, &global),
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => tell(&problem, out),
    }
}

/// What was understood of the command line. Clap has seen to it that it can be.
fn cli(matches: &ArgMatches) -> Cli {
    Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

/// Runs a verb that talks to a cloud. Nothing of it is worth a second thread.
fn client(matches: &ArgMatches, global: &Global) -> Result<()> {
    if global.every().is_some() && !LOOKS.contains(&verb(matches)) {
        return Err(Problem::usage("--watch goes with list and show").hint("what changes something is done once"));
    }
    let session = Session::open(global)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::io("cannot start", &error))?;
    let done = runtime.block_on(async {
        let Some(every) = global.every() else { return once(matches, &session).await };
        loop {
            Output::begin_again();
            once(matches, &session).await?;
            tokio::time::sleep(every).await;
        }
    });
    // A read of standard input is not waited for.
    runtime.shutdown_background();
    done
}

/// The verb that was said.
fn verb(matches: &ArgMatches) -> &str {
    let mut verb = "";
    let mut level = matches;
    while let Some((name, below)) = level.subcommand() {
        (verb, level) = (name, below);
    }
    verb
}

async fn once(matches: &ArgMatches, session: &Session) -> Result<()> {
    if let Some(said) = nouns::said(matches) {
        return said.run(session).await;
    }
    match cli(matches).command {
        Command::Vm(vm) => vm.run(session).await,
        Command::Image(image) => image.run(session).await,
        Command::Network(network) => network.run(session).await,
        Command::SecurityGroup(group) => group.run(session).await,
        Command::Volume(volume) => volume.run(session).await,
        Command::Flavor(flavor) => flavor.run(session).await,
        Command::Keypair(keypair) => keypair.run(session).await,
        Command::Quota(quota) => quota.run(session).await,
        Command::Token(token) => token.run(session).await,
        Command::Catalog(services) => services.run(session).await,
        Command::Policy(policy) => policy.run(session).await,
        Command::Audit(audit) => audit.run(session).await,
        Command::Status(status) => status.run(session).await,
        Command::Openrc => session.out.raw(&openrc::render(session.client.credentials())),
        // These talk to no cloud: `main` has them.
        Command::Serve(_)
        | Command::Identity(_)
        | Command::Doctor(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Init(_)
        | Command::Config(_)
        | Command::ClearHost(_)
        | Command::Completion(_)
        | Command::Man(_)
        | Command::ExitCodes => Ok(()),
    }
}

/// Says what went wrong and what to do next. Answers the exit code.
fn tell(problem: &Problem, out: Output) -> ExitCode {
    if problem.kind != Kind::BrokenPipe {
        let red = if out.has_colour() { AnsiColor::Red.on_default().bold() } else { Style::new() };
        let hint = problem.hint.as_ref().map(|hint| format!("  {hint}\n")).unwrap_or_default();
        // There is nobody left to tell that it could not be told.
        let _ = write!(std::io::stderr(), "{red}cloudbox:{red:#} {problem}\n{hint}");
    }
    problem.exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn options_of_the_client_go_anywhere() {
        for line in ["cloudbox -o json vm list", "cloudbox vm -o json list", "cloudbox vm ls -o json"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.global.output, output::Format::Json, "{line}");
        }
        let cli = Cli::try_parse_from(["cloudbox", "vm", "list", "--data-dir", "/d"]).unwrap();
        assert_eq!(cli.global.data_dir(), std::path::Path::new("/d"));
    }

    #[test]
    fn what_is_printed_is_asked_for_anywhere() {
        let line = "cloudbox vm list --columns name,id --sort -created --filter status=act* --filter name!=web? --watch --no-headers";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Global { columns, sort, filters, watch, no_headers, .. } = cli.global;
        assert_eq!((columns.len(), sort.is_some(), filters.len(), watch, no_headers), (2, true, 2, Some(2), true));
        for wrong in ["cloudbox vm list --filter x", "cloudbox vm list --sort=", "cloudbox vm list --watch=0"] {
            assert!(Cli::try_parse_from(wrong.split(' ')).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_looks_is_watched() {
        let verb_of = |line: &str| verb(&command().try_get_matches_from(line.split(' ')).unwrap()).to_owned();
        assert_eq!(verb_of("cloudbox vm ls --watch"), "list");
        assert_eq!(verb_of("cloudbox audit --watch 5"), "audit");
        assert!(!LOOKS.contains(&verb_of("cloudbox vm stop web --watch").as_str()));
    }

    #[test]
    fn serve_keeps_its_own_data_directory() {
        for line in ["cloudbox serve --data-dir /d --network fake", "cloudbox --data-dir /d serve --network fake"] {
            let Command::Serve(serve) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
                panic!("not serve")
            };
            assert!(format!("{serve:?}").contains(r#"data_dir: Some("/d")"#), "{serve:?}");
        }
    }

    #[test]
    fn what_the_demo_types_is_understood() {
        for line in [
            "keypair create demo-key --private-key /w/key",
            "image create cirros --file build/guest.qcow2 --disk-format qcow2 --wait",
            "network list",
            "volume create demo-data --size 1 --wait",
            "vm create demo --image cirros --network default --key demo-key --volume demo-data --wait",
            "vm ssh demo --identity /w/key --user cirros -- lsblk -o NAME",
            "vm trace demo",
            "vm delete demo --wait",
            "volume delete demo-data --wait",
            "security-group allow default --protocol tcp --port 22",
            "openrc",
            "policy check --as alice --project demo servers:create",
            "policy check --as alice --system get_user list_users",
            "audit --user alice --outcome failure --since 1h",
            "status -o json",
            "doctor --fix -o json",
            "backup create /b --volumes",
            "backup verify /b",
            "restore /b --data-dir /d",
        ] {
            let words = std::iter::once("cloudbox").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
