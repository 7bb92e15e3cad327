//! What `GET /cloudbox/v1/status` answers: how the cloud on this host is, for its operator.
//!
//! The appliance gathers it, because only it knows all parts; this is the form that it is told in.

use std::sync::Arc;

use http_kit::BoxFuture;
use kit::{Condition, Fault, Timestamp};
use serde::Serialize;

/// Asks how the cloud is.
pub type StatusSource = Arc<dyn Fn() -> BoxFuture<'static, Result<Status, Fault>> + Send + Sync>;

/// How the cloud on this host is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The version of cloudbox.
    pub version: String,
    /// The host's name.
    pub host: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// How long ago that was.
    pub uptime_seconds: i64,
    /// Services, agents and the rest, in start order.
    pub parts: Vec<Part>,
    /// The bus's queues.
    pub queues: Vec<Queue>,
    /// Long work.
    pub workflows: Workflows,
    /// The compute hosts.
    pub hosts: Vec<Host>,
    /// The database.
    pub database: Database,
}

/// A service, an agent or another part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Where it stands: `starting`, `running`, `backing_off`, `draining`, `stopped`.
    pub state: String,
    /// How often it was started again.
    pub restarts: u32,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// What is wrong with it, and what was put right.
    #[serde(flatten)]
    pub condition: Condition,
}

/// A queue of the bus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queue {
    /// Its topic.
    pub topic: String,
    /// Its host, for a topic on a host.
    pub host: Option<String>,
    /// How many take messages from it.
    pub workers: usize,
    /// How many messages wait.
    pub depth: usize,
    /// How many it holds.
    pub capacity: usize,
    /// How many were served since the start.
    pub served: u64,
    /// Of these, how many failed.
    pub failed: u64,
    /// How many were turned away because it was full.
    pub refused: u64,
    /// The mean time that a message waited, in microseconds.
    pub mean_wait_micros: u64,
    /// The mean time that it took to serve one, in microseconds.
    pub mean_service_micros: u64,
}

/// Long work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workflows {
    /// What is under way, and what is stuck.
    pub running: Vec<Workflow>,
    /// How runs have ended since the start, by kind.
    pub ended: Vec<Ended>,
}

/// A run that is under way or stuck.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What it works on.
    pub subject: String,
    /// The step that was started last.
    pub step: String,
    /// `forward`, `unwinding` or `stuck`.
    pub state: String,
    /// When it began in this process.
    pub since: Timestamp,
}

/// How runs of one kind have ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ended {
    /// The kind.
    pub kind: String,
    /// All steps were done.
    pub done: u64,
    /// It was taken back.
    pub undone: u64,
    /// It could not be taken back.
    pub stuck: u64,
}

/// A compute host and what is taken of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Host {
    /// Its name.
    pub host: String,
    /// Whether it has been heard of lately.
    pub up: bool,
    /// Whether an operator has disabled it.
    pub disabled: bool,
    /// Servers on it.
    pub servers: u64,
    /// Virtual CPUs.
    pub vcpus: Amount,
    /// Memory in MiB.
    pub memory_mb: Amount,
    /// Disk in GiB.
    pub disk_gb: Amount,
}

/// How much there is of something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amount {
    /// How much there is for real.
    pub total: u64,
    /// How much of it is sold, with what is kept for the host taken off and the allocation ratio applied.
    pub sellable: u64,
    /// How much servers take.
    pub used: u64,
}

/// The database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Database {
    /// The file's size, in bytes.
    pub size_bytes: u64,
    /// Its log's size, in bytes.
    pub log_bytes: u64,
    /// Jobs that wait for the writer.
    pub waiting_writes: usize,
    /// Jobs that wait for a reader.
    pub waiting_reads: usize,
    /// Transactions committed since the start.
    pub commits: u64,
    /// Transactions that failed.
    pub failed_commits: u64,
}
