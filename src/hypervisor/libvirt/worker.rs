//! The threads that libvirt's calls block.
//!
//! A few named threads take jobs from one bounded queue. A job that is not wanted any more because its caller went away
//! is skipped if it has not begun; one that has begun cannot be stopped, and its answer is dropped. A job that panics
//! takes its answer with it, not its thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::{Doing, Failure, Outcome, is_disconnect};
use super::link::Link;
use super::session::Session;
use crate::error::DriverError;

/// How many calls are made at once.
const THREADS: usize = 4;

/// How many wait for a thread.
const QUEUE: usize = 64;

/// How long a caller waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// How long a caller waits for the answer: the slowest call seen is a start of 15 s.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

type Job = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
pub struct Workers {
    link: Arc<Link>,
    queue: Mutex<Option<flume::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    /// Starts the threads, which work on whatever session `link` has.
    pub fn start(link: Arc<Link>) -> std::io::Result<Self> {
        let (sender, receiver) = flume::bounded::<Job>(QUEUE);
        let mut threads = Vec::new();
        for number in 0..THREADS {
            let receiver = receiver.clone();
            let work = move || receiver.iter().for_each(|job| job());
            threads.push(std::thread::Builder::new().name(format!("libvirt-{number}")).spawn(work)?);
        }
        Ok(Self { link, queue: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Has `job` done by one of the threads.
    pub async fn run<T: Send + 'static>(
        &self,
        doing: Doing,
        job: impl FnOnce(&Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T, DriverError> {
        let disconnected = || DriverError::Disconnected { doing: doing.to_string(), source: None };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(disconnected)?;
        let (reply, answer) = oneshot::channel();
        let link = Arc::clone(&self.link);
        let job: Job = Box::new(move || {
            if !reply.is_closed() {
                let _caller_went_away = reply.send(perform(&link, job));
            }
        });
        match tokio::time::timeout(QUEUE_WAIT, queue.send_async(job)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(disconnected()),
            Err(_) => return Err(DriverError::Busy { doing: doing.to_string() }),
        }
        drop(queue);
        match tokio::time::timeout(ANSWER_WAIT, answer).await {
            Ok(Ok(Some(outcome))) => outcome.map_err(|failure| failure.while_doing(&doing)),
            Ok(_) => Err(disconnected()),
            Err(_) => Err(DriverError::Timeout { doing: doing.to_string(), after: ANSWER_WAIT }),
        }
    }

    /// Takes no more jobs, and waits until those that were taken are done.
    pub async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().map(JoinHandle::join).all(|r| r.is_ok()));
        if !matches!(joined.await, Ok(true)) {
            tracing::error!("a libvirt worker ended by a panic");
        }
    }
}

/// Does the job on the session; `None` without one.
fn perform<T>(link: &Link, job: impl FnOnce(&Session) -> Outcome<T>) -> Option<Outcome<T>> {
    let session = link.session()?;
    let outcome = catch_unwind(AssertUnwindSafe(|| job(&session)))
        .unwrap_or_else(|_| Err(Failure::other("a defect: the job panicked")));
    if let Err(Failure::Libvirt(error)) = &outcome
        && is_disconnect(error)
    {
        link.suspect();
    }
    Some(outcome)
}
