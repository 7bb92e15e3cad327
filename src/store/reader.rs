//! The threads that read, each with a connection that cannot write.
//!
//! They share one queue. A job sees one snapshot of the database from its first statement to its last.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Error;
use crate::job::Queued;
use crate::metrics::Counters;
use crate::watch::Watch;

/// What one reader thread owns.
pub(crate) struct Reader {
    connection: Connection,
    queue: flume::Receiver<Queued>,
    counters: Arc<Counters>,
    watch: Watch,
    timeout: Duration,
}

impl Reader {
    pub(crate) fn new(
        mut connection: Connection,
        queue: flume::Receiver<Queued>,
        counters: Arc<Counters>,
        timeout: Duration,
    ) -> rusqlite::Result<Self> {
        let watch = Watch::over(&mut connection)?;
        Ok(Self { connection, queue, counters, watch, timeout })
    }

    /// Serves until every sender is gone and the queue is empty.
    pub(crate) fn run(self) {
        while let Ok(mut queued) = self.queue.recv() {
            if queued.is_abandoned(&self.counters.reads) {
                continue;
            }
            let failure = self.in_snapshot(&mut queued).err();
            queued.job.reply(failure);
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "closing a reader of the database failed");
        }
    }

    fn in_snapshot(&self, queued: &mut Queued) -> Result<(), Error> {
        self.connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        self.watch.limit(self.timeout, || queued.run(&self.connection, &self.counters.reads));
        if !self.connection.is_autocommit() {
            self.connection.prepare_cached("ROLLBACK")?.execute([])?;
        }
        Ok(())
    }
}
