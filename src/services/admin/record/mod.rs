//! The way of a record: a bounded queue, then in batches the table, the file and the syslog daemon.
//!
//! Whoever brings a record to a full queue waits: what happens is slower then rather than unrecorded. After
//! [`PATIENCE`] the record is lost, and that is counted and told.

mod file;
mod syslog;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_kit::audit::{Auditor, Event};
use http_kit::endpoint::BoxFuture;
use kit::config::AuditConfig;
use kit::{Condition, Conditions, Fault, SharedClock};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::db::audit::Kept;
use crate::{db, view};
use file::Log;
use syslog::Syslog;

/// How many records wait at most.
const QUEUE: usize = 2048;
/// How many are written together at most.
const BATCH: usize = 256;
/// How long a request waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a batch that could not be written is tried again, and after which pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// How often old records are looked for, by number and by time.
const PRUNE_EVERY: usize = 500;
const PRUNE_AFTER: Duration = Duration::from_secs(60);

const LOST: &str = "audit records were lost";
const NO_FILE: &str = "the audit file cannot be written";
const NO_SYSLOG: &str = "the syslog daemon does not take audit records";

/// Keeps records.
pub(crate) struct Recorder {
    store: Store,
    clock: SharedClock,
    config: AuditConfig,
    queue: (flume::Sender<Event>, flume::Receiver<Event>),
    lost: AtomicU64,
    conditions: Conditions,
    outlets: Outlets,
}

/// Where records go beside the table.
#[derive(Clone)]
struct Outlets {
    file: Option<Arc<Log>>,
    syslog: Option<Arc<Syslog>>,
}

impl Recorder {
    /// One that writes to `store`, and where `config` says.
    pub(crate) fn new(store: Store, clock: SharedClock, config: AuditConfig, host: &str) -> Self {
        let named = |path: &std::path::Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        let outlets = Outlets {
            file: named(&config.file).map(|path| Arc::new(Log::new(path))),
            syslog: named(&config.syslog).map(|path| Arc::new(Syslog::new(path, host))),
        };
        let conditions = Conditions::default();
        Self { store, clock, config, queue: flume::bounded(QUEUE), lost: AtomicU64::new(0), conditions, outlets }
    }

    pub(crate) fn condition(&self) -> Condition {
        self.conditions.now()
    }

    /// Writes what comes until `stop`, then what is left.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut pruned = (0, Instant::now());
        while let Some(Ok(first)) = stop.run_until_cancelled(self.queue.1.recv_async()).await {
            let count = self.write(first).await;
            pruned.0 += count;
            if pruned.0 >= PRUNE_EVERY || pruned.1.elapsed() >= PRUNE_AFTER {
                self.prune().await;
                pruned = (0, Instant::now());
            }
        }
        while let Ok(first) = self.queue.1.try_recv() {
            self.write(first).await;
        }
        self.prune().await;
    }

    /// Writes `first` and what waits behind it; how many that was.
    async fn write(&self, first: Event) -> usize {
        let batch: Vec<Kept> =
            std::iter::once(first).chain(self.queue.1.try_iter().take(BATCH - 1)).map(Kept::new).collect();
        let count = batch.len();
        let batch = Arc::new(batch);
        if let Err(fault) = self.insert(&batch).await {
            self.lose(count, &fault.chain());
        }
        let (outlets, sent) = (self.outlets.clone(), batch.clone());
        if outlets.file.is_some() || outlets.syslog.is_some() {
            match tokio::task::spawn_blocking(move || outlets.send(&sent)).await {
                Ok((file, syslog)) => {
                    self.conditions.set(NO_FILE, !file);
                    self.conditions.set(NO_SYSLOG, !syslog);
                }
                Err(error) => tracing::error!(%error, "passing audit records on failed"),
            }
        }
        count
    }

    async fn insert(&self, batch: &Arc<Vec<Kept>>) -> Result<(), Fault> {
        let mut tries = 0;
        loop {
            let rows = batch.clone();
            match self.store.write_relaxed(move |db| db::audit::insert(db, &rows)).await {
                Ok(()) => return Ok(()),
                Err(fault) if tries >= TRIES => return Err(fault),
                Err(fault) => tracing::warn!(error = %fault.chain(), "audit records are not written yet"),
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn prune(&self) {
        let rows = i64::try_from(self.config.keep_rows).unwrap_or(i64::MAX);
        let age = Duration::from_secs(self.config.keep_days.saturating_mul(86_400));
        let now = self.clock.now();
        let before = now.checked_sub(age).unwrap_or(kit::Timestamp::MIN);
        if let Err(fault) = self.store.write_relaxed(move |db| db::audit::prune(db, rows, before)).await {
            tracing::warn!(error = %fault.chain(), "old audit records are not removed yet");
        }
    }

    fn lose(&self, count: usize, why: &str) {
        let lost = self.lost.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        tracing::error!(count, lost_before = lost, why, "audit records are lost");
        self.conditions.set(LOST, true);
    }

    #[cfg(test)]
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Auditor for Recorder {
    fn record(&self, event: Event) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let event = match self.queue.0.try_send(event) {
                Ok(()) => return,
                Err(error) => error.into_inner(),
            };
            if !matches!(tokio::time::timeout(PATIENCE, self.queue.0.send_async(event)).await, Ok(Ok(()))) {
                self.lose(1, "the queue was full");
            }
        })
    }
}

impl Outlets {
    /// Passes `batch` on; whether the file and the daemon took it.
    fn send(&self, batch: &[Kept]) -> (bool, bool) {
        let lines: Vec<(bool, kit::Timestamp, String)> = batch
            .iter()
            .map(|kept| (kept.event.succeeded(), kept.event.at, view::audit::event(kept).to_string()))
            .collect();
        let file = self.file.as_ref().is_none_or(|file| file.append(lines.iter().map(|(.., line)| line.as_str())));
        let syslog = self.syslog.as_ref().is_none_or(|syslog| syslog.send(&lines));
        (file, syslog)
    }
}
