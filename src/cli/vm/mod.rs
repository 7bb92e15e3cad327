//! `cloudbox vm`: servers.

mod choose;
mod cloud_init;
mod console;
mod create;
mod escape;
mod host_keys;
mod image;
mod life;
mod list;
mod ssh;
mod state;
mod steps;
mod trace;
mod tunnel;

pub use choose::disk_of;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::problem::Result;
use super::resolve;
use super::session::Session;

/// Virtual machines
#[derive(Debug, Args)]
pub struct Vm {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a VM; its name alone is enough
    Create(Box<create::Create>),
    /// List VMs
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a VM
    Show(list::Show),
    /// Delete VMs
    #[command(visible_alias = "rm")]
    Delete(life::Delete),
    /// Start VMs that are off
    Start(life::Start),
    /// Shut VMs down
    Stop(life::Stop),
    /// Restart VMs
    Reboot(life::Reboot),
    /// Make an image of a VM's disk, whether it runs or not
    Image(image::Image),
    /// Use a VM's serial console in this terminal, or print the address of a console
    Console(console::Console),
    /// Print what a VM has written to its serial console
    Log(console::Log),
    /// Show how a VM was made, step by step
    Trace(trace::Trace),
    /// Log in to a VM, or run a command in it
    Ssh(ssh::Ssh),
    /// Reach TCP ports of a VM from here, through the cloud's API alone
    Tunnel(tunnel::Tunnel),
}

impl Vm {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Create(verb) => verb.run(session).await,
            Verb::List(verb) => verb.run(session).await,
            Verb::Show(verb) => verb.run(session).await,
            Verb::Delete(verb) => verb.run(session).await,
            Verb::Start(verb) => verb.run(session).await,
            Verb::Stop(verb) => verb.run(session).await,
            Verb::Reboot(verb) => verb.run(session).await,
            Verb::Image(verb) => verb.run(session).await,
            Verb::Console(verb) => verb.run(session).await,
            Verb::Log(verb) => verb.run(session).await,
            Verb::Trace(verb) => verb.run(session).await,
            Verb::Ssh(verb) => verb.run(session).await,
            Verb::Tunnel(verb) => verb.run(session).await,
        }
    }
}

/// Has Nova do `body` to the server `id`.
async fn action(session: &Session, id: &str, body: &Value) -> Result<Value> {
    let path = format!("{}/action", resolve::VM.path_of(id));
    session.client.post(resolve::VM.service, &path, body).await
}
