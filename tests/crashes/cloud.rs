//! A cloud in a process of its own, which can be told where to die.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::client::Client;
use crate::held::journals;
use crate::wait::{PATIENCE, until};

/// What a process starts with besides its directory.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// The point at which it dies.
    pub die_at: Option<String>,
    /// Where the points that it passes are written.
    pub log_points: Option<PathBuf>,
}

impl Launch {
    /// Dies at `point`.
    pub fn to_die_at(point: &str) -> Self {
        Self { die_at: Some(point.to_owned()), ..Self::default() }
    }
}

/// A running process.
pub struct Cloud {
    process: Child,
    /// Everything of the cloud: its configuration, its data and the log of the last process.
    directory: PathBuf,
    /// The administrator.
    pub admin: Client,
}

/// The configuration that all processes of a cloud share.
pub fn configure(directory: &Path, more: &str) {
    let text = format!("[compute]\nhost = \"host-1\"\nshutdown_timeout_secs = 1\n{more}");
    std::fs::write(directory.join("cloudbox.toml"), text).unwrap();
}

impl Cloud {
    /// Starts a process on `directory`. One that dies before it is ready is an error.
    pub async fn try_start(directory: &Path, launch: &Launch) -> Result<Self, ExitStatus> {
        let log = std::fs::File::create(directory.join("serve.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudbox"));
        command.arg("serve").arg("--config").arg(directory.join("cloudbox.toml"));
        command.arg("--data-dir").arg(directory.join("data")).args(["--listen", "127.0.0.1:0"]);
        command.env_remove("CLOUDBOX_CRASH_AT").env_remove("CLOUDBOX_CRASH_LOG");
        if let Some(point) = &launch.die_at {
            command.env("CLOUDBOX_CRASH_AT", point);
        }
        if let Some(log) = &launch.log_points {
            command.env("CLOUDBOX_CRASH_LOG", log);
        }
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let url = loop {
            if let Some(url) = ready_at(directory) {
                break url;
            }
            if let Some(status) = process.try_wait().unwrap() {
                return Err(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let admin = Client::new(&url, Some(token(directory, &url).await));
        Ok(Self { process, directory: directory.to_owned(), admin })
    }

    /// Starts a process that is to get ready.
    pub async fn start(directory: &Path, launch: &Launch) -> Self {
        match Self::try_start(directory, launch).await {
            Ok(cloud) => cloud,
            Err(status) => panic!("the cloud ended with {status}:\n{}", log(directory)),
        }
    }

    /// Waits until the process has died by its own hand.
    pub async fn died(mut self) {
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("the process lives on:\n{}", log(&self.directory))).unwrap();
        assert_eq!(status.signal(), Some(9), "it ended with {status}:\n{}", log(&self.directory));
    }

    /// Kills the process.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Stops the process in an orderly way, once its workflows are over.
    pub async fn stop(mut self) {
        self.workflows_end().await;
        let pid = self.process.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("the process does not stop:\n{}", log(&self.directory))).unwrap();
        assert!(status.success(), "it ended with {status}:\n{}", log(&self.directory));
    }

    /// Waits until no workflow is under way: not all of them show in what the API says.
    pub async fn workflows_end(&self) {
        until("the workflows to end", || async {
            match journals(&self.directory) {
                0 => Ok(()),
                left => Err(format!("{left} are left")),
            }
        })
        .await;
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

fn ready_at(directory: &Path) -> Option<String> {
    let text = log(directory);
    let line = text.lines().find_map(|line| line.strip_prefix("cloudbox is ready at "))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// What the last process said.
pub fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("serve.log")).unwrap_or_default()
}

/// A token outlives the process that issued it: logging in once is enough.
async fn token(directory: &Path, url: &str) -> String {
    let kept = directory.join("token");
    if let Ok(token) = std::fs::read_to_string(&kept) {
        return token;
    }
    let yaml = std::fs::read_to_string(directory.join("data/clouds.yaml")).unwrap();
    let line = yaml.lines().find_map(|line| line.trim().strip_prefix("password: ")).unwrap();
    let password: String = serde_json::from_str(line).unwrap();
    let client = Client::new(url, None);
    let token = until("a token", || async { Ok(client.log_in(&password).await) }).await;
    std::fs::write(kept, &token).unwrap();
    token
}

/// Copies a cloud that is stopped.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&source, &target);
        } else if kind.is_file() {
            copy_file(&source, &target);
        }
    }
}

/// Volumes are large and empty: only their lengths are copied.
fn copy_file(source: &Path, target: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = source.metadata().unwrap();
    if metadata.blocks() == 0 {
        std::fs::File::create(target).unwrap().set_len(metadata.len()).unwrap();
    } else {
        std::fs::copy(source, target).unwrap();
    }
}
