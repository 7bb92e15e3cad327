//! One HTTP request and its answer: a body of bytes or of a file, with deadlines, and what went wrong as a [`Problem`].
//!
//! It knows nothing of tokens or services: that is `client`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::upgrade::Upgraded;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_util::io::ReaderStream;

use super::problem::{Problem, Result};
use super::trust::{self, Trust};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take, and how long an upload may stand still.
const PATIENCE: Duration = Duration::from_secs(120);
/// The largest answer that is read: lists come in pages.
const MOST_BYTES: usize = 64 << 20;
/// How much of a file is read at once.
const CHUNK: usize = 256 << 10;

type Error = Box<dyn std::error::Error + Send + Sync>;
/// What is sent.
pub type Body = BoxBody<Bytes, Error>;

/// A body of bytes.
pub fn bytes(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// How many bytes of an upload have been handed over so far.
pub type Counter = Arc<AtomicU64>;

/// The body that is `file`, read while it is sent; `sent` counts it.
///
/// # Errors
/// When it cannot be opened.
pub async fn file(path: &Path, sent: &Counter) -> Result<(Body, u64)> {
    let doing = format!("cannot read {}", path.display());
    let file = tokio::fs::File::open(path).await.map_err(|error| Problem::io(&doing, &error))?;
    let meta = file.metadata().await.map_err(|error| Problem::io(&doing, &error))?;
    if !meta.is_file() {
        return Err(Problem::usage(format!("{} is not a file", path.display())));
    }
    let sent = Arc::clone(sent);
    let frames = ReaderStream::with_capacity(file, CHUNK).map_err(Error::from).map(move |chunk| {
        if let Ok(chunk) = &chunk {
            sent.fetch_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        chunk.map(Frame::data)
    });
    Ok((BodyExt::boxed(StreamBody::new(frames)), meta.len()))
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

type Plain = legacy::Client<HttpConnector, Body>;
type Secure = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// The connections.
#[derive(Clone)]
pub struct Http {
    plain: Plain,
    /// Made when it is first needed: what is trusted is read from files.
    secure: OnceLock<Secure>,
    trust: Trust,
}

impl Http {
    /// No connection yet; https goes to whom `trust` trusts.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        let plain = legacy::Client::builder(TokioExecutor::new()).build(connector());
        Self { plain, secure: OnceLock::new(), trust }
    }

    fn secure(&self) -> Result<&Secure> {
        if let Some(secure) = self.secure.get() {
            return Ok(secure);
        }
        let mut tcp = connector();
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_tls_config(self.trust.client_config()?).https_only();
        let client = legacy::Client::builder(TokioExecutor::new()).build(tls.enable_http1().wrap_connector(tcp));
        Ok(self.secure.get_or_init(|| client))
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When nobody answers, or not in time. An answer that is an error is an answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Answer> {
        let place = place(&request)?;
        match tokio::time::timeout(PATIENCE, self.exchange(request, &place)).await {
            Ok(answer) => answer,
            Err(_) => Err(late(&place)),
        }
    }

    /// As [`Self::send`], for as long as `sent` keeps growing; `report` is told how far it is.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn upload(&self, request: Request<Body>, sent: &Counter, mut report: impl FnMut(u64)) -> Result<Answer> {
        let place = place(&request)?;
        let exchange = self.exchange(request, &place);
        tokio::pin!(exchange);
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let mut last = (0, tokio::time::Instant::now());
        loop {
            tokio::select! {
                answer = &mut exchange => return answer,
                _ = ticks.tick() => {}
            }
            let now = sent.load(Ordering::Relaxed);
            report(now);
            if now != last.0 {
                last = (now, tokio::time::Instant::now());
            } else if last.1.elapsed() > PATIENCE {
                return Err(late(&place));
            }
        }
    }

    /// Sends a request for another protocol. Answers the connection that speaks it from now on, or the answer that refuses it.
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub async fn upgrade(&self, request: Request<Body>) -> Result<std::result::Result<Upgraded, Answer>> {
        let place = place(&request)?;
        let switch = async {
            let response = self.begin(request, &place).await?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                return read(response).await.map(Err);
            }
            let upgraded = hyper::upgrade::on(response).await;
            upgraded.map(Ok).map_err(|error| Problem::failed(format!("the connection to {place} failed: {error}")))
        };
        tokio::time::timeout(PATIENCE, switch).await.unwrap_or_else(|_| Err(late(&place)))
    }

    /// Sends a request whose answer is read as it comes, with [`chunk`].
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub async fn open(&self, request: Request<Body>) -> Result<Response<Incoming>> {
        let place = place(&request)?;
        match tokio::time::timeout(PATIENCE, self.begin(request, &place)).await {
            Ok(response) => response,
            Err(_) => Err(late(&place)),
        }
    }

    async fn exchange(&self, request: Request<Body>, place: &str) -> Result<Answer> {
        read(self.begin(request, place).await?).await
    }

    async fn begin(&self, request: Request<Body>, place: &str) -> Result<Response<Incoming>> {
        let response = match request.uri().scheme_str() {
            Some("https") => self.secure()?.request(request).await,
            _ => self.plain.request(request).await,
        };
        response.map_err(|error| unreachable(place, &error))
    }
}

/// The whole of an answer.
///
/// # Errors
/// When it is broken off.
pub async fn read(response: Response<Incoming>) -> Result<Answer> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await;
    let body = body.map_err(|error| Problem::failed(format!("the answer was broken off: {error}")))?;
    Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
}

/// The next bytes of an answer; nothing at its end.
///
/// # Errors
/// When it is broken off, or stands still.
pub async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>> {
    loop {
        let frame = match tokio::time::timeout(PATIENCE, body.frame()).await {
            Err(_) => return Err(Problem::failed(format!("nothing has come for {} s", PATIENCE.as_secs()))),
            Ok(None) => return Ok(None),
            Ok(Some(frame)) => frame,
        };
        let frame = frame.map_err(|error| Problem::failed(format!("the answer was broken off: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_nodelay(true);
    connector
}

fn place(request: &Request<Body>) -> Result<String> {
    let uri = request.uri();
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) => Ok(authority.to_string()),
        _ => Err(Problem::usage(format!("{uri} is not a URL of a cloud"))),
    }
}

fn late(place: &str) -> Problem {
    Problem::failed(format!("{place} has not answered for {} s", PATIENCE.as_secs()))
        .hint("the log of `cloudbox serve` may say why")
}

fn unreachable(place: &str, error: &legacy::Error) -> Problem {
    let mut cause: &dyn std::error::Error = error;
    let mut tls = None;
    loop {
        // The error of a handshake travels inside an error of input and output, which does not name it as its source.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.map(|inner| inner as &(dyn std::error::Error + 'static));
        tls = tls.or_else(|| inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()));
        match inner.or_else(|| cause.source()) {
            Some(source) => cause = source,
            None => break,
        }
    }
    if let Some(tls) = tls {
        let problem = Problem::failed(format!("{place} is not trusted: {tls}"));
        return match trust::hint(tls) {
            Some(hint) => problem.hint(hint),
            None => problem,
        };
    }
    let refused =
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
    if refused {
        return Problem::unreachable(format!("nobody listens at {place}"))
            .hint("is `cloudbox serve` running? Is this its address, or left from an earlier start?");
    }
    if error.is_connect() {
        return Problem::unreachable(format!("cannot connect to {place}: {cause}"));
    }
    Problem::failed(format!("the connection to {place} failed: {cause}"))
}
