//! A piece of work for a connection, and the way its answer goes back.
//!
//! A job runs once and keeps its answer until the thread that ran it knows whether the transaction
//! stands: only then does the caller hear of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::metrics::{QueueCounters, add};

/// A job of any type, as the threads see it.
pub(crate) trait Job: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;

    /// Runs it; `true` when it answered with `Ok`. A panic counts as an error.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the answer, or `failure` in its place.
    fn reply(self: Box<Self>, failure: Option<Error>);
}

/// A job on its way through a queue.
pub(crate) struct Queued {
    pub(crate) job: Box<dyn Job>,
    /// Whether the answer has to wait for the disk.
    pub(crate) durable: bool,
    since: Instant,
}

impl Queued {
    pub(crate) fn new(job: Box<dyn Job>, durable: bool) -> Self {
        Self { job, durable, since: Instant::now() }
    }

    /// Runs the job and counts it.
    pub(crate) fn run(&mut self, connection: &Connection, counters: &QueueCounters) -> bool {
        let started = Instant::now();
        let ok = self.job.run(connection);
        counters.ran(ok, started.saturating_duration_since(self.since), started.elapsed());
        ok
    }

    /// Whether nobody waits for it any more; such a job is counted, and then dropped.
    pub(crate) fn is_abandoned(&self, counters: &QueueCounters) -> bool {
        let abandoned = self.job.is_abandoned();
        add(&counters.abandoned, u64::from(abandoned));
        abandoned
    }
}

struct TypedJob<T, E, F> {
    /// Taken when it runs.
    work: Option<F>,
    answer: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    /// The caller's span, so that what the job logs carries the request id.
    span: tracing::Span,
}

impl<T, E, F> Job for TypedJob<T, E, F>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    E: From<Error> + Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let span = self.span.clone();
        // The connection outlives the panic: rusqlite resets statements as they are dropped, and the
        // thread rolls the savepoint back.
        let answer = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| work(connection)))).unwrap_or_else(|_| {
            span.in_scope(|| tracing::error!("a database job panicked; nothing of it was kept"));
            Err(Error::Panicked.into())
        });
        self.answer.insert(answer).is_ok()
    }

    fn reply(self: Box<Self>, failure: Option<Error>) {
        let answer = match (failure, self.answer) {
            (Some(failure), _) => Err(failure.into()),
            (None, Some(answer)) => answer,
            (None, None) => Err(Error::Closed.into()),
        };
        // The caller may have gone; then there is nobody to tell.
        let _gone = self.reply.send(answer);
    }
}

/// Puts `work` on `queue` and waits for its answer, `limit` at the most.
pub(crate) async fn submit<T, E>(
    queue: Option<flume::Sender<Queued>>,
    counters: &QueueCounters,
    durable: bool,
    limit: Duration,
    work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    E: From<Error> + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = TypedJob { work: Some(work), answer: None, reply, span: tracing::Span::current() };
    let sent = queue.map(|queue| queue.try_send(Queued::new(Box::new(job), durable)));
    match sent {
        None | Some(Err(flume::TrySendError::Disconnected(_))) => return Err(Error::Closed.into()),
        Some(Err(flume::TrySendError::Full(_))) => {
            add(&counters.refused, 1);
            return Err(Error::Busy.into());
        }
        Some(Ok(())) => {}
    }
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_dropped)) => Err(Error::Closed.into()),
        Err(_elapsed) => Err(Error::Timeout.into()),
    }
}
