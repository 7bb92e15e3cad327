//! Running a handler: it cannot take the connection down with it, and what changes something is not cancelled.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::{Method, StatusCode};
use kit::Fault;
use tracing::Instrument as _;

use crate::app::Inner;
use crate::audit::{Event, Trail};
use crate::dialect::Dialect;
use crate::envelope;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::Mount;

/// Runs the handler. One that changes something goes on without its client, and is put on record; a panic stays here.
pub(crate) async fn run(
    app: &Inner,
    mount: &Arc<Mount>,
    index: usize,
    request: Request,
    limit: Option<Duration>,
    mut ending: Ending,
) -> Result<Reply, Fault> {
    let outlives = ending.trail.is_on() || !matches!(request.method, Method::GET | Method::HEAD);
    let deferred = mount.rows.get(index).is_some_and(|row| row.info.deferred);
    let authorized = Arc::clone(&request.authorized);
    let span = tracing::info_span!("request", request_id = %request.context.request_id, service = mount.dialect.name);
    let dialect = mount.dialect;
    let mount = Arc::clone(mount);
    let handler = async move {
        match mount.dispatch.call(index, request) {
            Some(answer) => answer.await,
            None => Err(Fault::internal("calling a handler", "there is no such row")),
        }
    };
    let handler = AssertUnwindSafe(handler).catch_unwind().instrument(span);
    let answer = async move {
        let reply = handler
            .await
            .unwrap_or_else(|panic| Err(Fault::internal("running a handler, which panicked", said(&*panic))))?;
        if deferred && !authorized.load(Ordering::Relaxed) {
            return Err(Fault::internal("authorising a request", "a deferred row's handler enforced no rule"));
        }
        Ok(reply)
    };
    let answered = if outlives {
        let (cut, auditor) = (app.cut.clone(), app.auditor.clone());
        let task = app.tasks.spawn(async move {
            let answered = tokio::select! {
                answered = answer => answered,
                () = cut.cancelled() => Err(Fault::unavailable("The service is shutting down.")),
            };
            if let (Some(auditor), Some(event)) = (auditor, ending.event(dialect, &answered)) {
                auditor.record(event).await;
            }
            answered
        });
        within(limit, task)
            .await
            .map(|joined| joined.unwrap_or_else(|error| Err(Fault::internal("waiting for a handler", error))))
    } else {
        within(limit, answer).await
    };
    answered.unwrap_or_else(|| Err(Fault::timeout("The request could not be answered in time.")))
}

/// How a request is put on record once it is answered.
pub(crate) struct Ending {
    pub(crate) trail: Trail,
    /// The status of a reply that names none.
    pub(crate) success: StatusCode,
}

impl Ending {
    fn event(&mut self, dialect: &Dialect, answered: &Result<Reply, Fault>) -> Option<Event> {
        let status = match answered {
            Ok(reply) => {
                self.trail.made(|| reply.made());
                reply.chosen_status().unwrap_or(self.success.as_u16())
            }
            Err(fault) => envelope::status(dialect, fault).as_u16(),
        };
        self.trail.end(status)
    }
}

/// What `future` gives, or nothing once `limit` is over.
async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}
