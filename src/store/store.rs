//! The handle that services hold: reads, writes, backup, metrics, the end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::backup;
use crate::error::Error;
use crate::job::{Queued, submit};
use crate::metrics::{Counters, Metrics};
use crate::migrate::Migrations;
use crate::open::{self, OpenError, Options};

/// A cloudbox's database. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) counters: Arc<Counters>,
    pub(crate) writes: Mutex<Queue>,
    pub(crate) reads: Mutex<Queue>,
    pub(crate) timeout: Duration,
}

/// A queue and the threads that serve it; they end once the last sender is gone.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) sender: Option<flume::Sender<Queued>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Store {
    /// Opens the database at `path`, making it where it is missing, and brings its schema up to date.
    ///
    /// It blocks: call it before serving. The directory is locked until the store is closed.
    ///
    /// # Errors
    /// [`OpenError`] names what is in the way and what to do about it.
    pub fn open(path: &Path, migrations: &[Migrations], options: Options) -> Result<Self, OpenError> {
        open::open(path, migrations, options).map(|inner| Self { inner: Arc::new(inner) })
    }

    /// Runs `job` on a reader: one snapshot of the database, which it cannot change.
    ///
    /// # Errors
    /// The job's own, or an [`Error`] made into one: [`Error::Busy`] when the queue is full,
    /// [`Error::Timeout`] when the answer did not come in time, [`Error::Closed`], [`Error::Panicked`].
    pub async fn read<T, E>(&self, job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        submit(sender(&self.inner.reads), &self.inner.counters.reads, false, self.inner.timeout, job).await
    }

    /// Runs `job` on the writer; when this answers `Ok`, what the job wrote is on the disk.
    ///
    /// All of the job is kept or, when it answers `Err` or panics, nothing. It must not
    /// begin or end a transaction. A job whose caller has gone before its turn is not run.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Error::Full`] or another when the commit failed.
    /// After [`Error::Timeout`] it is open whether the job is done, or will be.
    pub async fn write<T, E>(&self, job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        submit(sender(&self.inner.writes), &self.inner.counters.writes, true, self.inner.timeout, job).await
    }

    /// As [`write`](Self::write), without waiting for the disk: for progress that can be worked out again.
    ///
    /// Readers see it at once and the end of the process does not lose it; a loss of power
    /// does, until the next durable write or about a second has passed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn write_relaxed<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        submit(sender(&self.inner.writes), &self.inner.counters.writes, false, self.inner.timeout, job).await
    }

    /// Runs `job` as often as it changes `batch` rows, which it must not exceed, without waiting for the disk: removing much
    /// keeps no other writer waiting for long. Answers how many rows it changed in all.
    ///
    /// # Errors
    /// As [`write`](Self::write); the batches before stay done.
    pub async fn write_batches<E>(
        &self,
        batch: usize,
        job: impl Fn(&Connection, usize) -> Result<usize, E> + Clone + Send + 'static,
    ) -> Result<usize, E>
    where
        E: From<Error> + Send + 'static,
    {
        let mut all = 0;
        loop {
            let job = job.clone();
            let changed = self.write_relaxed(move |db| job(db, batch)).await?;
            all += changed;
            if changed < batch.max(1) {
                return Ok(all);
            }
        }
    }

    /// Copies the database to `to` while it is in use; a file that is there is replaced once the copy is whole.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`] and others where the copy cannot be written; nothing is left behind then.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        let (from, to) = (self.inner.path.clone(), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || backup::copy_file(&from, &to)).await;
        copied.unwrap_or(Err(Error::Panicked))
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let queue = |queue: &Mutex<Queue>| {
            sender(queue).map_or((0, 0), |sender| (sender.len(), sender.capacity().unwrap_or(usize::MAX)))
        };
        self.inner.counters.snapshot(queue(&self.inner.writes), queue(&self.inner.reads))
    }

    /// Ends the store for all of its clones: what is queued is still done, then the log is folded into the
    /// file, the threads end and the directory is unlocked. Later reads and writes answer [`Error::Closed`].
    pub async fn close(&self) {
        // Readers first: the writer can fold the whole log only when nobody reads from it.
        for queue in [&self.inner.reads, &self.inner.writes] {
            let Queue { sender, threads } = std::mem::take(&mut *lock(queue));
            drop(sender);
            let joined = tokio::task::spawn_blocking(move || threads.into_iter().all(|thread| thread.join().is_ok()));
            if !joined.await.unwrap_or(false) {
                tracing::error!("a thread of the database panicked");
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

fn lock(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sender(queue: &Mutex<Queue>) -> Option<flume::Sender<Queued>> {
    lock(queue).sender.clone()
}
