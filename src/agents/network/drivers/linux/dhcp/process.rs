//! Keeps one dnsmasq per network running.
//!
//! dnsmasq detaches itself: it outlives this process, and a new one takes it up by its pid file. It is ours if its
//! command line names our configuration and it is in the network's namespace; anything else gets a new one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::config::Files;
use crate::drivers::driver::{DriverError, DriverResult};
use crate::drivers::linux::command::Tool;
use crate::drivers::linux::netns;

/// How long a dnsmasq has to end.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// One network's dnsmasq: its directory and its namespace.
#[derive(Debug, Clone)]
pub struct Dnsmasq {
    directory: PathBuf,
    namespace: String,
}

impl Dnsmasq {
    /// The one with its files in `directory` and its place in `namespace`.
    #[must_use]
    pub fn new(directory: PathBuf, namespace: String) -> Self {
        Self { directory, namespace }
    }

    /// Where its files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes it run with these files: started, started anew, told to read again, or left alone.
    pub async fn ensure(&self, files: &Files) -> DriverResult<()> {
        self.make_directory().await?;
        let mut reread = false;
        for (name, text) in [("hosts", &files.hosts), ("options", &files.options), ("names", &files.names)] {
            reread |= self.write(name, text).await?;
        }
        let restart = self.write("config", &files.config).await?;
        match self.running() {
            Some(_) if restart => {
                self.stop().await?;
                self.start().await
            }
            Some(pid) if reread => signal(pid, Signal::HUP),
            Some(_) => Ok(()),
            None => self.start().await,
        }
    }

    /// Starts it again if it has died. True when that was so.
    pub async fn revive(&self) -> DriverResult<bool> {
        if self.running().is_some() {
            return Ok(false);
        }
        self.start().await?;
        Ok(true)
    }

    /// Ends it and takes its files away; fine when there is none.
    pub async fn remove(&self) -> DriverResult<()> {
        self.stop().await?;
        match tokio::fs::remove_dir_all(&self.directory).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(DriverError::io(format!("removing {}", self.directory.display()), error))
            }
            _ => Ok(()),
        }
    }

    /// dnsmasq reads as a user of its own, whatever this process's umask is.
    async fn make_directory(&self) -> DriverResult<()> {
        let failed = |error| DriverError::io(format!("making {}", self.directory.display()), error);
        let new: Vec<&Path> = self.directory.ancestors().take_while(|path| !path.exists()).collect();
        tokio::fs::create_dir_all(&self.directory).await.map_err(failed)?;
        for path in new {
            tokio::fs::set_permissions(path, Permissions::from_mode(0o755)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Writes a file if it says something else. True when it did.
    async fn write(&self, name: &str, text: &str) -> DriverResult<bool> {
        let path = self.directory.join(name);
        if tokio::fs::read(&path).await.is_ok_and(|now| now == text.as_bytes()) {
            return Ok(false);
        }
        let draft = self.directory.join(format!("{name}.new"));
        let failed = |error| DriverError::io(format!("writing {}", path.display()), error);
        tokio::fs::write(&draft, text).await.map_err(failed)?;
        tokio::fs::set_permissions(&draft, Permissions::from_mode(0o644)).await.map_err(failed)?;
        tokio::fs::rename(&draft, &path).await.map_err(failed)?;
        Ok(true)
    }

    async fn start(&self) -> DriverResult<()> {
        // One that is in a namespace of the past would keep the pid file.
        self.stop().await?;
        let config = format!("--conf-file={}", self.directory.join("config").display());
        // It comes back once it listens and has detached itself.
        let doing = format!("starting dnsmasq in {}", self.namespace);
        Tool::new(doing, "dnsmasq", [config]).namespace(Some(&self.namespace)).run().await.map(drop)
    }

    async fn stop(&self) -> DriverResult<()> {
        let Some(pid) = self.recorded() else { return Ok(()) };
        signal(pid, Signal::TERM)?;
        let gone = async {
            while self.recorded().is_some() {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(STOP_DEADLINE, gone).await.is_err() {
            signal(pid, Signal::KILL)?;
        }
        Ok(())
    }

    /// Its process, when it runs where it should.
    #[must_use]
    pub fn running(&self) -> Option<Pid> {
        self.recorded().filter(|pid| netns::has_process(&self.namespace, pid.as_raw_nonzero().get()))
    }

    /// The process in its pid file, if that is still a dnsmasq with our configuration.
    fn recorded(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.directory.join("pid")).ok()?;
        let pid = Pid::from_raw(text.trim().parse().ok()?)?;
        let command_line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
        let config = format!("--conf-file={}", self.directory.join("config").display());
        command_line.split(|byte| *byte == 0).any(|word| word == config.as_bytes()).then_some(pid)
    }
}

fn signal(pid: Pid, signal: Signal) -> DriverResult<()> {
    let sent = pidfd_open(pid, PidfdFlags::empty()).and_then(|process| pidfd_send_signal(process, signal));
    match sent {
        Err(error) if error != rustix::io::Errno::SRCH => Err(DriverError::io("signalling dnsmasq", error.into())),
        _ => Ok(()),
    }
}
