//! A program that reads what strangers made, with limits on what it may take.
//!
//! * Address space and processor time are bounded by `prlimit`, the time on the clock by us.
//! * It is a process group of its own, killed when nobody waits for it any more, and by the kernel when this process dies
//!   (`setpriv --pdeathsig`, which means the thread that started it: one of the runtime's own, not a passing one); it cannot gain
//!   privileges, and its environment is empty.
//! * What it prints is read to the end, and only the beginning of it is kept.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kit::{Fault, FaultKind};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// How much of what a program prints is kept, in bytes.
const KEPT: usize = 4096;
/// How much of it an error tells, in characters.
const TOLD: usize = 400;

/// What a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub processor_secs: u64,
    /// Time on the clock, in seconds.
    pub wall_secs: u64,
}

impl Limits {
    /// For what only reads or writes metadata.
    pub const QUICK: Self = Self { memory_bytes: 1 << 30, processor_secs: 30, wall_secs: 60 };
    /// For what reads and writes a whole disk.
    pub const WHOLE_DISK: Self = Self { memory_bytes: 2 << 30, processor_secs: 1800, wall_secs: 3600 };
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It could not be started, or not be waited for.
    #[error("running {program}")]
    Start {
        /// Which.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{program} ended with {status}: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// How.
        status: ExitStatus,
        /// The beginning of what it printed.
        said: String,
    },
    /// It took too long.
    #[error("{program} did not end within {seconds} seconds")]
    Late {
        /// Which.
        program: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// What it wrote grew too large.
    #[error("{program} wrote more than {limit} bytes")]
    TooLarge {
        /// Which.
        program: &'static str,
        /// How much it might have written, in bytes.
        limit: u64,
    },
}

impl ToolError {
    /// Whether the disk is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Start { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Failed { said, .. } => said.contains("No space left on device") || said.contains("quota exceeded"),
            Self::Late { .. } | Self::TooLarge { .. } => false,
        }
    }
}

impl From<ToolError> for Fault {
    fn from(error: ToolError) -> Self {
        match &error {
            _ if error.is_full() => Self::new(FaultKind::Internal, "The host has no disk space left.").caused_by(error),
            ToolError::Late { .. } => Self::timeout("Working on the disk took too long.").caused_by(error),
            ToolError::TooLarge { limit, .. } => {
                Self::too_large(format!("The disk needs more than the {limit} bytes that are allowed."))
                    .caused_by(error)
            }
            ToolError::Start { .. } | ToolError::Failed { .. } => Self::internal("working on a disk", error),
        }
    }
}

/// Runs `program` with `arguments`, and waits for it. Dropped before, it is killed.
///
/// # Errors
/// When it cannot be started, fails, or takes longer than `limits` allow.
pub async fn run<A: AsRef<OsStr>>(
    program: &'static str,
    limits: Limits,
    arguments: impl IntoIterator<Item = A>,
) -> Result<(), ToolError> {
    watch(program, limits, arguments, |_| ()).await
}

/// As [`run`]; `heard` gets what it prints to its standard output, piece by piece.
///
/// # Errors
/// As [`run`].
pub(crate) async fn watch<A: AsRef<OsStr>>(
    program: &'static str,
    limits: Limits,
    arguments: impl IntoIterator<Item = A>,
    heard: impl FnMut(&[u8]),
) -> Result<(), ToolError> {
    let within = Duration::from_secs(limits.wall_secs);
    let ended = tokio::time::timeout(within, to_the_end(command(program, limits, arguments), heard)).await;
    let ended = ended.map_err(|_elapsed| ToolError::Late { program, seconds: limits.wall_secs })?;
    let (status, said) = ended.map_err(|source| ToolError::Start { program, source })?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said).trim().chars().take(TOLD).collect();
    Err(ToolError::Failed { program, status, said })
}

fn command<A: AsRef<OsStr>>(program: &str, limits: Limits, arguments: impl IntoIterator<Item = A>) -> Command {
    // Each of the two becomes the next: there is one process.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", "--no-new-privs", "prlimit", "--core=0"]);
    command.arg(format!("--as={}", limits.memory_bytes)).arg(format!("--cpu={}", limits.processor_secs));
    command.arg("--").arg(program).args(arguments);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    command
}

async fn to_the_end(mut command: Command, mut heard: impl FnMut(&[u8])) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.spawn()?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = Vec::new();
    let keep = |piece: &[u8]| said.extend(piece.iter().take(KEPT.saturating_sub(said.len())));
    let (printed, complained, ended) =
        tokio::join!(read(stdout, |piece| heard(piece)), read(stderr, keep), child.wait());
    let status = ended?;
    if let Some(group) = group {
        group.has_ended();
    }
    printed?;
    complained?;
    Ok((status, said))
}

async fn read(from: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; KEPT];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => take(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// A process group, killed when it is dropped before it has ended.
struct Group(Pid);

impl Group {
    fn of(child: &tokio::process::Child) -> Option<Self> {
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).map(Self)
    }

    fn has_ended(self) {
        std::mem::forget(self);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = kill_process_group(self.0, Signal::KILL)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, "a program could not be ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { memory_bytes: 1 << 30, processor_secs: 10, wall_secs: 20 };

    async fn shell(script: &str) -> Result<(), ToolError> {
        run("sh", LIMITS, ["-c", script]).await
    }

    #[tokio::test]
    async fn what_it_says_is_kept_when_it_fails() {
        shell("echo hello").await.unwrap();
        let error = shell("echo it is broken >&2; exit 3").await.unwrap_err();
        assert_eq!(error.to_string(), "sh ended with exit status: 3: it is broken");
        assert!(!Fault::from(error).message().contains("broken"));
        let full = shell("echo x: No space left on device >&2; exit 1").await.unwrap_err();
        assert_eq!(Fault::from(full).message(), "The host has no disk space left.");
        assert!(matches!(run("there-is-none", LIMITS, ["x"]).await, Err(ToolError::Failed { .. })));
    }

    #[tokio::test]
    async fn a_flood_of_words_is_read_but_not_kept() {
        let error = shell("yes | head -c 1000000 >&2; exit 1").await.unwrap_err();
        assert!(error.to_string().len() < 1000);
    }

    #[tokio::test]
    async fn memory_processor_and_clock_are_limited() {
        let little = Limits { memory_bytes: 64 << 20, ..LIMITS };
        assert!(run("dd", little, ["if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"]).await.is_err());
        let brief = Limits { processor_secs: 1, ..LIMITS };
        assert!(matches!(run("sh", brief, ["-c", "while :; do :; done"]).await, Err(ToolError::Failed { .. })));
        let soon = Limits { wall_secs: 1, ..LIMITS };
        let late = run("sleep", soon, ["60"]).await.unwrap_err();
        assert!(matches!(late, ToolError::Late { seconds: 1, .. }));
    }

    #[tokio::test]
    async fn nobody_waiting_means_the_whole_group_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Both processes hold the pipe open: it ends when the last of them is gone.
        let script = format!("exec 3>{}; sleep 60 & echo up >&3; sleep 60", pipe.display());
        let running = tokio::spawn(async move { shell(&script).await });
        let mut reader = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&pipe).unwrap();
        let mut word = [0; 3];
        let up = async {
            while reader.try_read(&mut word).is_err() || &word != b"up\n" {
                reader.readable().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), up).await.unwrap();
        running.abort();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut rest)).await;
        assert_eq!(ended.unwrap().unwrap(), 0);
    }
}
