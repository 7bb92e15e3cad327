//! Numbers about the store, for the metrics page and the tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of [`Metrics::group_sizes`]; the last bucket has no bound.
pub const GROUP_BOUNDS: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// What one kind of queue has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueMetrics {
    /// Jobs that wait now.
    pub depth: usize,
    /// Jobs that the queue can hold.
    pub capacity: usize,
    /// Jobs that ran.
    pub jobs: u64,
    /// Of these, jobs that answered with an error.
    pub failed: u64,
    /// Jobs that were refused because the queue was full.
    pub refused: u64,
    /// Jobs that were never started, because their caller had gone.
    pub abandoned: u64,
    /// Time that jobs waited in the queue, in all, in microseconds.
    pub wait_micros: u64,
    /// Time that jobs ran, in all, without the commit, in microseconds.
    pub service_micros: u64,
}

/// What the store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// The writer's queue.
    pub writes: QueueMetrics,
    /// The readers' queue.
    pub reads: QueueMetrics,
    /// Transactions that were committed.
    pub commits: u64,
    /// Of these, those that waited for the disk.
    pub durable_commits: u64,
    /// Transactions that could not be committed.
    pub failed_commits: u64,
    /// How often the log was brought to the disk outside a commit: for what relaxed writes had left there.
    pub log_syncs: u64,
    /// Time that commits took, in all, in microseconds.
    pub commit_micros: u64,
    /// How many commits held at most 1, 2, 4, 8, 16, 32, 64 jobs, and how many more than that.
    pub group_sizes: [u64; GROUP_BOUNDS.len() + 1],
}

/// The live counters behind [`QueueMetrics`].
#[derive(Debug, Default)]
pub(crate) struct QueueCounters {
    pub(crate) jobs: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) wait_micros: AtomicU64,
    pub(crate) service_micros: AtomicU64,
}

/// The live counters behind [`Metrics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) writes: QueueCounters,
    pub(crate) reads: QueueCounters,
    pub(crate) commits: AtomicU64,
    pub(crate) durable_commits: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) log_syncs: AtomicU64,
    pub(crate) commit_micros: AtomicU64,
    pub(crate) group_sizes: [AtomicU64; GROUP_BOUNDS.len() + 1],
}

pub(crate) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl QueueCounters {
    /// Counts one job that ran.
    pub(crate) fn ran(&self, ok: bool, waited: Duration, took: Duration) {
        add(&self.jobs, 1);
        add(&self.failed, u64::from(!ok));
        add(&self.wait_micros, kit::trace::micros(waited));
        add(&self.service_micros, kit::trace::micros(took));
    }

    fn snapshot(&self, depth: usize, capacity: usize) -> QueueMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueMetrics {
            depth,
            capacity,
            jobs: get(&self.jobs),
            failed: get(&self.failed),
            refused: get(&self.refused),
            abandoned: get(&self.abandoned),
            wait_micros: get(&self.wait_micros),
            service_micros: get(&self.service_micros),
        }
    }
}

impl Counters {
    /// Counts one commit of `jobs` jobs.
    pub(crate) fn committed(&self, jobs: usize, durable: bool, took: Duration) {
        add(&self.commits, 1);
        add(&self.durable_commits, u64::from(durable));
        add(&self.commit_micros, kit::trace::micros(took));
        let bucket = GROUP_BOUNDS.partition_point(|bound| *bound < jobs as u64);
        if let Some(counter) = self.group_sizes.get(bucket) {
            add(counter, 1);
        }
    }

    /// The numbers now; `writes` and `reads` are depth and capacity of the queues.
    pub(crate) fn snapshot(&self, writes: (usize, usize), reads: (usize, usize)) -> Metrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            writes: self.writes.snapshot(writes.0, writes.1),
            reads: self.reads.snapshot(reads.0, reads.1),
            commits: get(&self.commits),
            durable_commits: get(&self.durable_commits),
            failed_commits: get(&self.failed_commits),
            log_syncs: get(&self.log_syncs),
            commit_micros: get(&self.commit_micros),
            group_sizes: std::array::from_fn(|at| self.group_sizes.get(at).map_or(0, get)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_fall_into_buckets_by_size() {
        let counters = Counters::default();
        for jobs in [1, 2, 3, 64, 65, 1000] {
            counters.committed(jobs, jobs == 1, Duration::from_micros(10));
        }
        let metrics = counters.snapshot((3, 9), (0, 9));
        assert_eq!(metrics.group_sizes, [1, 1, 1, 0, 0, 0, 1, 2]);
        assert_eq!((metrics.commits, metrics.durable_commits, metrics.commit_micros), (6, 1, 60));
        assert_eq!((metrics.writes.depth, metrics.writes.capacity), (3, 9));
    }
}
