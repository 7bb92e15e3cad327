//! The listener: connections within limits, and an orderly end.
//!
//! A permit is taken before a connection is accepted, so that the limit holds back clients in the kernel's queue
//! rather than in memory. At shutdown the listener closes first, idle connections end, open requests get the drain
//! time, and what is left then is cut.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::limits::Limits;
use crate::request::Peer;
use crate::tls::Tls;

/// How much is read from a connection at once: an upload in smaller pieces costs more turns than bytes.
const READ_BYTES: usize = 128 * 1024;

/// How long to wait after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `app` on `listener`, behind `tls` where there is one, until `shutdown`, then drains.
pub(crate) async fn run(app: &App, listener: TcpListener, tls: Option<Arc<Tls>>, shutdown: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let mut gate = Gate::new(app);
    while let Some((stream, peer, permit)) = gate.next(&listener, &shutdown).await {
        let connection = Connection { app: app.clone(), peer, watcher: graceful.watcher() };
        let (tls, shutdown, cut) = (tls.clone(), shutdown.clone(), app.inner.cut.clone());
        connections.spawn(async move {
            tokio::select! {
                () = connection.serve(stream, tls, shutdown) => {}
                () = cut.cancelled() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    drain(app, graceful, &connections, &app.inner.cut, app.inner.limits().drain_timeout).await;
}

/// A connection that was accepted.
struct Connection {
    app: App,
    peer: IpAddr,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<Arc<Tls>>, shutdown: CancellationToken) {
        let Some(tls) = tls else { return self.speak(stream).await };
        tokio::select! {
            accepted = tls.accept(stream) => match accepted {
                Ok(Some(stream)) => self.speak(stream).await,
                Ok(None) => tracing::debug!(peer = %self.peer, "plain HTTP was spoken where TLS is"),
                Err(error) => tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed"),
            },
            () = shutdown.cancelled() => {}
        }
    }

    /// HTTP, until its end.
    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { app, peer, watcher } = self;
        let limits = app.inner.limits();
        let io = TokioIo::new(Prompt::new(stream, limits.header_timeout));
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            let app = app.clone();
            request.extensions_mut().insert(Peer(peer));
            async move { Ok::<_, Infallible>(crate::serve::connection_request(&app, request).await) }
        });
        let builder = builder(&limits);
        let connection = builder.serve_connection_with_upgrades(io, service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

async fn drain(
    app: &App,
    graceful: GracefulShutdown,
    connections: &TaskTracker,
    cut: &CancellationToken,
    time: Duration,
) {
    connections.close();
    let tasks = &app.inner.tasks;
    let drained = tokio::time::timeout(time, async {
        graceful.shutdown().await;
        connections.wait().await;
        tasks.close();
        tasks.wait().await;
    });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), requests = tasks.len(), "cutting off what did not end in time");
        cut.cancel();
        connections.wait().await;
        tasks.close();
        tasks.wait().await;
    }
}

/// Lets connections in, as many at once as the limits of the moment say.
struct Gate {
    permits: Arc<Semaphore>,
    /// How many permits there are, taken ones included.
    total: usize,
    limits: watch::Receiver<Arc<Limits>>,
}

impl Gate {
    fn new(app: &App) -> Self {
        let limits = app.inner.limits.subscribe();
        let total = limits.borrow().max_connections;
        Self { permits: Arc::new(Semaphore::new(total)), total, limits }
    }

    /// The next connection, with a permit for it; `None` at shutdown.
    async fn next(
        &mut self,
        listener: &TcpListener,
        shutdown: &CancellationToken,
    ) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
        loop {
            self.fit();
            tokio::select! {
                () = shutdown.cancelled() => return None,
                Ok(()) = self.limits.changed() => {}
                accepted = accept(listener, &self.permits) => return accepted,
            }
        }
    }

    /// Makes the permits as many as the limits say; what is taken already goes when it is given back and this is called.
    fn fit(&mut self) {
        let wanted = self.limits.borrow_and_update().max_connections;
        if wanted > self.total {
            self.permits.add_permits(wanted - self.total);
            self.total = wanted;
        } else {
            self.total -= self.permits.forget_permits(self.total - wanted);
        }
    }
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return Some((stream, peer.ip().to_canonical(), permit));
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes.max(READ_BYTES))
        .max_headers(limits.max_headers)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

/// A connection that must show within a time which protocol it speaks.
///
/// hyper's own time-out on headers begins only after that, so that a client which connects and says
/// nothing would hold its permit for ever.
struct Prompt<Io> {
    io: Io,
    seen: Vec<u8>,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl<Io> Prompt<Io> {
    fn new(io: Io, time: Duration) -> Self {
        Self { io, seen: Vec::new(), deadline: Some(Box::pin(tokio::time::sleep(time))) }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Prompt<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.deadline.is_none() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(context, buffer) {
            read?;
            let new = buffer.filled().get(before..).unwrap_or_default();
            self.seen.extend_from_slice(new);
            if self.seen.len() >= PREFACE.len() || !PREFACE.starts_with(&self.seen) {
                self.seen = Vec::new();
                self.deadline = None;
            }
            return Poll::Ready(Ok(()));
        }
        if let Some(deadline) = &mut self.deadline {
            ready!(deadline.as_mut().poll(context));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was said in time")))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Prompt<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
