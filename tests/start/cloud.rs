//! A process of `cloudbox` on fake drivers, with its log kept.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A place for clouds: a data directory and a configuration file.
pub struct Place(pub TempDir);

/// A process that serves.
pub struct Serving {
    pub process: Child,
    lines: Receiver<String>,
    /// Lines that nobody has waited for yet.
    passed: Vec<String>,
    /// What it has logged and was waited past.
    pub log: String,
    /// Where it answers.
    pub url: String,
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub fn config(&self) -> PathBuf {
        self.0.path().join("cloudbox.toml")
    }

    /// Writes the configuration: fake drivers and any port of `address`, then `text`.
    pub fn configure(&self, address: &str, text: &str) {
        let head = "compute.hypervisor = 'fake'\nnetwork.driver = 'fake'\nvolume.driver = 'fake'\n";
        let text = format!("{head}api.listen = '{address}:0'\n{text}");
        std::fs::write(self.config(), text).unwrap();
    }

    /// `cloudbox` with these words and nothing in its environment.
    pub fn cloudbox(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudbox"));
        command.args(words).env_clear().env("HOME", self.0.path()).current_dir(self.0.path());
        command
    }

    pub fn serve(&self) -> Command {
        let mut command = self.cloudbox(&["serve", "--config"]);
        command.arg(self.config()).arg("--data-dir").arg(self.data());
        command
    }

    /// Serves, and waits until it is ready.
    pub fn start(&self) -> Serving {
        Serving::of(self.serve())
    }

    /// Tries to serve, and waits until it gives up: its exit code and what it says.
    pub fn refused(&self) -> (i32, String) {
        refused(self.serve())
    }

    /// What the client says to `words`, as the administrator.
    pub fn client(&self, words: &[&str]) -> Output {
        self.cloudbox(words).arg("--data-dir").arg(self.data()).output().unwrap()
    }
}

/// Waits until `command` gives up: its exit code, and what it says without its log.
pub fn refused(mut command: Command) -> (i32, String) {
    let output = command.env("CLOUDBOX_LOG", "off").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap_or(-1), text)
}

impl Serving {
    pub fn of(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let (told, lines) = sync_channel(10_000);
        // It ends with the process.
        std::thread::spawn(move || log.lines().map_while(Result::ok).all(|line| told.send(line).is_ok()));
        let mut serving = Self { process, lines, passed: Vec::new(), log: String::new(), url: String::new() };
        let line = serving.logs("cloudbox is ready at ");
        serving.url = line.trim_start_matches("cloudbox is ready at ").to_owned();
        serving
    }

    /// Waits for a line of its log that has `text` in it and was not waited for before.
    pub fn logs(&mut self, text: &str) -> String {
        if let Some(at) = self.passed.iter().position(|line| line.contains(text)) {
            return self.passed.remove(at);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.log += &format!("{line}\n");
                    if line.contains(text) {
                        return line;
                    }
                    self.passed.push(line);
                }
                Err(RecvTimeoutError::Timeout) => panic!("{text:?} was not logged: {}", self.log),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended: {}", self.log),
            }
        }
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Stops it as systemd does. Its exit code.
    pub fn stop(mut self) -> i32 {
        self.signal(rustix::process::Signal::TERM);
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended where it was told to.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
