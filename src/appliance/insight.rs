//! How the cloud on this host is, gathered from all its parts: for `GET /cloudbox/v1/status` and for `GET /metrics`.

use std::sync::Arc;
use std::time::Duration;

use admin::status::{Amount, Database, Ended, Host, Part, Queue, Status, Workflow, Workflows};
use bus::Bus;
use compute::{Compute, HostCapacity, Share};
use hypervisor::GuestUsage;
use kit::ids::{HostId, ServerId};
use kit::{Fault, SharedClock, Timestamp};
use store::Store;
use workflow::Direction;
use workflow::activity::{self, Activity, Tally};

use crate::supervisor::{Health, UnitHealth};

/// How long the hypervisor has to say what guests use.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever can be asked how the cloud is.
#[derive(Clone)]
pub(super) struct Insight {
    pub(super) store: Store,
    pub(super) bus: Bus,
    pub(super) health: Health,
    pub(super) compute: Arc<Compute>,
    pub(super) hypervisor: Arc<dyn hypervisor::Driver>,
    pub(super) host: HostId,
    pub(super) clock: SharedClock,
    pub(super) started_at: Timestamp,
}

impl Insight {
    /// How the cloud is.
    pub(super) async fn status(&self) -> Result<Status, Fault> {
        let now = self.clock.now();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.host.to_string(),
            started_at: self.started_at,
            uptime_seconds: now.duration_since(self.started_at).as_secs(),
            parts: self.health.units().into_iter().map(part).collect(),
            queues: self.bus.metrics().into_iter().map(queue).collect(),
            workflows: Workflows {
                running: activity::running().into_iter().map(workflow).collect(),
                ended: activity::tallies().into_iter().map(ended).collect(),
            },
            hosts: self.compute.capacity().await?.into_iter().map(host).collect(),
            database: self.database().await,
        })
    }

    /// What guests use; nothing where the hypervisor does not say.
    pub(super) async fn guests(&self) -> Option<Vec<(ServerId, GuestUsage)>> {
        match tokio::time::timeout(PATIENCE, self.hypervisor.usage()).await {
            Ok(Ok(guests)) => Some(guests),
            Ok(Err(error)) => {
                tracing::debug!(error = error.chain(), "the hypervisor does not say what guests use");
                None
            }
            Err(_) => None,
        }
    }

    /// The database's numbers.
    pub(super) async fn database(&self) -> Database {
        let path = self.store.path().to_owned();
        let sizes = tokio::task::spawn_blocking(move || {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
            (size(&path), size(std::path::Path::new(&log)))
        });
        let (size_bytes, log_bytes) = sizes.await.unwrap_or_default();
        let metrics = self.store.metrics();
        Database {
            size_bytes,
            log_bytes,
            waiting_writes: metrics.writes.depth,
            waiting_reads: metrics.reads.depth,
            commits: metrics.commits,
            failed_commits: metrics.failed_commits,
        }
    }
}

/// The name that `value` is serialised as.
fn name_of(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn part(unit: UnitHealth) -> Part {
    let UnitHealth { name, state, restarts, last_error, condition } = unit;
    Part { name: name.to_owned(), state: name_of(&state), restarts, last_error, condition }
}

fn queue(metrics: bus::QueueMetrics) -> Queue {
    let methods = &metrics.methods;
    let sum = |of: fn(&bus::MethodMetrics) -> u64| methods.iter().map(of).fold(0, u64::saturating_add);
    let served = sum(|method| method.service.count);
    let mean = |micros: u64| micros.checked_div(served).unwrap_or_default();
    Queue {
        topic: metrics.topic.to_owned(),
        host: metrics.host.as_ref().map(ToString::to_string),
        workers: metrics.workers,
        depth: metrics.depth,
        capacity: metrics.capacity,
        served,
        failed: sum(|method| method.errors),
        refused: metrics.refused,
        mean_wait_micros: mean(sum(|method| method.wait.sum_micros)),
        mean_service_micros: mean(sum(|method| method.service.sum_micros)),
    }
}

fn workflow(run: Activity) -> Workflow {
    let Activity { id, kind, subject, step, direction, stuck, since } = run;
    let state = match direction {
        _ if stuck => "stuck",
        Direction::Forward => "forward",
        Direction::Unwinding => "unwinding",
    };
    Workflow { id: id.to_string(), kind, subject, step, state: state.to_owned(), since }
}

fn ended((kind, tally): (String, Tally)) -> Ended {
    let Tally { done, undone, stuck } = tally;
    Ended { kind, done, undone, stuck }
}

fn host(capacity: HostCapacity) -> Host {
    let amount = |Share { total, sellable, used }| Amount { total, sellable, used };
    Host {
        host: capacity.host.to_string(),
        up: capacity.up,
        disabled: capacity.disabled,
        servers: capacity.servers,
        vcpus: amount(capacity.vcpus),
        memory_mb: amount(capacity.memory_mb),
        disk_gb: amount(capacity.disk_gb),
    }
}
