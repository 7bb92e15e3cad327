//! Ends a statement that runs longer than anyone waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Virtual machine steps between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// The time limit on one connection's statements.
pub(crate) struct Watch {
    epoch: Instant,
    /// Microseconds after `epoch`; `u64::MAX` while there is no limit.
    until: Arc<AtomicU64>,
}

impl Watch {
    /// Puts `connection` under a watch that has no limit yet.
    pub(crate) fn over(connection: &mut Connection) -> rusqlite::Result<Self> {
        let watch = Self { epoch: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) };
        let (epoch, until) = (watch.epoch, Arc::clone(&watch.until));
        connection.progress_handler(
            STEPS,
            Some(move || kit::trace::micros(epoch.elapsed()) > until.load(Ordering::Relaxed)),
        )?;
        Ok(watch)
    }

    /// Runs `work`; its statements are interrupted once `limit` has passed.
    pub(crate) fn limit<T>(&self, limit: Duration, work: impl FnOnce() -> T) -> T {
        let until = kit::trace::micros(self.epoch.elapsed().saturating_add(limit));
        self.until.store(until, Ordering::Relaxed);
        let result = work();
        self.until.store(u64::MAX, Ordering::Relaxed);
        result
    }
}
