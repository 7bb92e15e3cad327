//! The one thread that writes: it takes all waiting jobs into one transaction and replies after the commit.
//!
//! Each job has a savepoint of its own, so that one that fails takes back only what it did itself.
//! A transaction with a durable job in it waits for the disk at its commit, and with it everything
//! that was committed before. A commit that fails, fails every job in it: none of them hears
//! of a success that is not on the disk, nor of a conflict with something that never came to be.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flume::RecvTimeoutError;
use rusqlite::Connection;

use crate::error::Error;
use crate::job::Queued;
use crate::lock::DirectoryLock;
use crate::metrics::{Counters, add};
use crate::open::Options;
use crate::watch::Watch;

/// The most jobs that share one commit: it bounds how long the first of them waits for the others.
const GROUP_LIMIT: usize = 128;

/// What was committed without waiting for the disk is brought there after this time of silence.
const SYNC_WHEN_IDLE: Duration = Duration::from_secs(1);

/// What the writer thread owns.
pub(crate) struct Writer {
    connection: Connection,
    queue: flume::Receiver<Queued>,
    counters: Arc<Counters>,
    log: PathBuf,
    /// What `PRAGMA synchronous` is set to: `FULL` or `NORMAL`.
    full: bool,
    /// Whether something is committed that the disk may not have.
    unsynced: bool,
    /// False for tests' throw-away databases, which never wait for the disk.
    sync: bool,
    watch: Watch,
    /// The longest that one job may run.
    timeout: Duration,
    /// Held until the connection is closed, or the next process could open the file before that.
    lock: DirectoryLock,
}

impl Writer {
    pub(crate) fn new(
        mut connection: Connection,
        database: &Path,
        queue: flume::Receiver<Queued>,
        counters: Arc<Counters>,
        lock: DirectoryLock,
        options: &Options,
    ) -> rusqlite::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        if !options.sync {
            connection.pragma_update(None, "synchronous", "OFF")?;
        }
        let watch = Watch::over(&mut connection)?;
        Ok(Self {
            connection,
            queue,
            counters,
            log: log.into(),
            full: true,
            unsynced: false,
            sync: options.sync,
            watch,
            timeout: options.timeout,
            lock,
        })
    }

    /// Serves until every sender is gone and the queue is empty, then folds the log into the file.
    pub(crate) fn run(mut self) {
        loop {
            let first = if self.unsynced && self.sync {
                match self.queue.recv_timeout(SYNC_WHEN_IDLE) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => {
                        self.sync_idle();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match self.queue.recv() {
                    Ok(job) => job,
                    Err(_all_senders_gone) => break,
                }
            };
            let mut group = vec![first];
            group.extend(self.queue.try_iter().take(GROUP_LIMIT - 1));
            self.commit_group(group);
        }
        self.close();
    }

    fn commit_group(&mut self, mut group: Vec<Queued>) {
        group.retain(|job| !job.is_abandoned(&self.counters.writes));
        if group.is_empty() {
            return;
        }
        let durable = group.iter().any(|job| job.durable);
        let failure = self.transact(&mut group, durable).err();
        if let Some(failure) = &failure {
            add(&self.counters.failed_commits, 1);
            tracing::error!(jobs = group.len(), error = %chain(&failure.error), "a transaction failed with all its jobs");
            self.roll_back();
        }
        for (number, queued) in group.into_iter().enumerate() {
            // The job that made it fail has an error of its own, which says more.
            let told = failure.as_ref().filter(|failure| failure.culprit != Some(number));
            queued.job.reply(told.map(|failure| failure.error.clone()));
        }
    }

    /// Runs all jobs of `group` in one transaction and commits it.
    fn transact(&mut self, group: &mut [Queued], durable: bool) -> Result<(), Failure> {
        self.set_full(durable)?;
        let before = self.connection.total_changes();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (number, queued) in group.iter_mut().enumerate() {
            self.run_in_savepoint(number, queued)?;
        }
        let started = Instant::now();
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.after_commit(durable, self.connection.total_changes() != before)?;
        self.counters.committed(group.len(), durable, started.elapsed());
        Ok(())
    }

    /// Runs one job; a failure here is the whole transaction's.
    fn run_in_savepoint(&self, number: usize, queued: &mut Queued) -> Result<(), Failure> {
        self.connection.prepare_cached("SAVEPOINT job")?.execute([])?;
        let ok = self.watch.limit(self.timeout, || queued.run(&self.connection, &self.counters.writes));
        if self.connection.is_autocommit() {
            return Err(if ok {
                Failure { error: Error::TransactionEnded, culprit: None }
            } else {
                // A full disk, a failing one or a time-out can make SQLite roll back everything.
                Failure { error: Error::Aborted, culprit: Some(number) }
            });
        }
        if !ok {
            self.connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        self.connection.prepare_cached("RELEASE job")?.execute([])?;
        Ok(())
    }

    /// Keeps account of what is on the disk after a commit that went through.
    fn after_commit(&mut self, durable: bool, changed: bool) -> Result<(), Error> {
        if !durable {
            self.unsynced |= changed;
            return Ok(());
        }
        // A durable job that found nothing to write may have built on what was committed without the disk.
        if self.unsynced && !changed {
            self.sync_log()?;
        }
        self.unsynced = false;
        Ok(())
    }

    /// Brings the log to the disk. SQLite holds no lock on this file, so that closing it is harmless.
    fn sync_log(&self) -> Result<(), Error> {
        if !self.sync {
            return Ok(());
        }
        let synced = std::fs::File::open(&self.log).and_then(|log| log.sync_data());
        synced.map_err(|error| Error::io("bringing the database's log to the disk", error))?;
        add(&self.counters.log_syncs, 1);
        Ok(())
    }

    fn sync_idle(&mut self) {
        if let Err(error) = self.sync_log() {
            tracing::error!(error = %chain(&error), "what was committed last may not survive a loss of power");
        }
        self.unsynced = false;
    }

    /// Sets whether commits wait for the disk; SQLite does not allow it inside a transaction.
    fn set_full(&mut self, full: bool) -> Result<(), Error> {
        if self.sync && self.full != full {
            self.connection.pragma_update(None, "synchronous", if full { "FULL" } else { "NORMAL" })?;
            self.full = full;
        }
        Ok(())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rolling back failed");
        }
    }

    fn close(self) {
        let Self { connection, lock, .. } = self;
        let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = folded {
            tracing::warn!(%error, "the database's log could not be folded into the file; the next start does it");
        }
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "closing the database failed");
        }
        drop(lock);
    }
}

/// Why a transaction did not come to be.
struct Failure {
    error: Error,
    /// The job that made it fail and has an error of its own.
    culprit: Option<usize>,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), culprit: None }
    }
}

/// `error` and its causes on one line, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
