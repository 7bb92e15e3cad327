//! Running a handler: it cannot take the connection down with it, and what changes something is not cancelled.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::Method;
use kit::Fault;
use tracing::Instrument as _;

use crate::app::Inner;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::Mount;

/// Runs the handler. One that changes something goes on without its client; a panic stays here.
pub(crate) async fn run(
    app: &Inner,
    mount: &Arc<Mount>,
    index: usize,
    request: Request,
    limit: Option<Duration>,
) -> Result<Reply, Fault> {
    let changes = !matches!(request.method, Method::GET | Method::HEAD);
    let deferred = mount.rows.get(index).is_some_and(|row| row.info.deferred);
    let authorized = Arc::clone(&request.authorized);
    let span = tracing::debug_span!("request", request_id = %request.context.request_id, service = mount.dialect.name);
    let mount = Arc::clone(mount);
    let handler = async move {
        match mount.dispatch.call(index, request) {
            Some(answer) => answer.await,
            None => Err(Fault::internal("calling a handler", "there is no such row")),
        }
    };
    let handler = AssertUnwindSafe(handler).catch_unwind().instrument(span);
    let answer = async move {
        handler.await.unwrap_or_else(|panic| Err(Fault::internal("running a handler, which panicked", said(&*panic))))
    };
    let answered = if changes {
        let cut = app.cut.clone();
        let task = app.tasks.spawn(async move {
            tokio::select! {
                answered = answer => answered,
                () = cut.cancelled() => Err(Fault::unavailable("The service is shutting down.")),
            }
        });
        within(limit, task)
            .await
            .map(|joined| joined.unwrap_or_else(|error| Err(Fault::internal("waiting for a handler", error))))
    } else {
        within(limit, answer).await
    };
    let reply = answered.unwrap_or_else(|| Err(Fault::timeout("The request could not be answered in time.")))?;
    if deferred && !authorized.load(Ordering::Relaxed) {
        return Err(Fault::internal("authorising a request", "a deferred row's handler enforced no rule"));
    }
    Ok(reply)
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
