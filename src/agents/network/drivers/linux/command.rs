//! Runs the host's own tools (`ip`, `nft`, `dnsmasq`, …) with a deadline.
//!
//! A tool runs in the network namespace of the process, or in a named one; it is killed when its deadline passes
//! or when nobody waits for it any more.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use super::netns;
use crate::drivers::driver::{DriverError, DriverResult};

/// How long one tool may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// How much of a tool's standard error goes into an error.
const STDERR_CHARS: usize = 600;
/// Where the tools are, whatever the service manager says.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One run of a tool.
#[derive(Debug, Clone)]
pub struct Tool {
    doing: String,
    program: &'static str,
    arguments: Vec<String>,
    stdin: Option<String>,
    namespace: Option<String>,
}

impl Tool {
    /// `program` with `arguments`; `doing` says what for, for errors.
    pub fn new<A: AsRef<str>>(
        doing: impl Into<String>,
        program: &'static str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { doing: doing.into(), program, arguments, stdin: None, namespace: None }
    }

    /// Gives it `text` to read.
    #[must_use]
    pub fn stdin(mut self, text: String) -> Self {
        self.stdin = Some(text);
        self
    }

    /// Runs it in a named namespace; in the process's own when there is none.
    #[must_use]
    pub fn namespace(mut self, name: Option<&str>) -> Self {
        self.namespace = name.map(ToOwned::to_owned);
        self
    }

    /// Runs it; its standard output when it succeeds.
    pub async fn run(self) -> DriverResult<String> {
        let (doing, program) = (self.doing.clone(), self.program);
        let output = self.output().await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stderr = stderr.trim().chars().take(STDERR_CHARS).collect();
        Err(DriverError::Command { doing, program: program.to_owned(), stderr })
    }

    /// Runs it, whatever it comes to.
    pub async fn output(self) -> DriverResult<Output> {
        let doing = self.doing.clone();
        tokio::time::timeout(DEADLINE, self.spawn_and_wait())
            .await
            .unwrap_or(Err(DriverError::Timeout { doing, seconds: DEADLINE.as_secs() }))
    }

    async fn spawn_and_wait(mut self) -> DriverResult<Output> {
        let doing = self.doing.clone();
        let stdin = self.stdin.take();
        let mut child = self.spawn(stdin.is_some()).await?;
        let input = child.stdin.take();
        let feed = async {
            if let (Some(mut input), Some(text)) = (input, stdin) {
                // A tool that does not read to the end says why by its exit status.
                let _ = input.write_all(text.as_bytes()).await;
            }
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        output.map_err(|error| DriverError::io(doing, error))
    }

    async fn spawn(self, piped: bool) -> DriverResult<Child> {
        let doing = self.doing;
        let mut command = tokio::process::Command::new(self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("LC_ALL", "C")
            .stdin(if piped { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let program = self.program;
        let failed = |error| DriverError::io(format!("{doing}: starting {program}"), error);
        match self.namespace {
            None => command.spawn().map_err(failed),
            Some(name) => {
                let runtime = tokio::runtime::Handle::current();
                let spawn = move || {
                    let _runtime = runtime.enter();
                    command.spawn()
                };
                netns::within(&name, spawn).await?.map_err(failed)
            }
        }
    }
}
