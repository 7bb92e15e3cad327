//! What a handler is given: the caller, the path's parameters, the query, the body, and the means to authorise.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body as _;
use hyper::header::HeaderMap;
use hyper::{Method, header};
use kit::{Fault, RequestContext, SharedClock, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::audit::Trail;
use crate::body::BoxError;
use crate::dialect::Dialect;
use crate::policy::{Policy, Target};
use crate::query::Query;
use crate::version::Microversion;

/// A request to one endpoint, authenticated, matched and validated.
pub struct Request {
    /// Who asks, until when, and where spans go.
    pub context: RequestContext,
    /// The microversion to answer in; 0.0 where the service has none.
    pub version: Microversion,
    /// The HTTP method.
    pub method: Method,
    /// The whole path, as it was sent.
    pub path: String,
    pub(crate) started: Instant,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RequestBody,
    pub(crate) site: Site,
    pub(crate) action: Option<&'static str>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) authorized: Arc<AtomicBool>,
    pub(crate) trail: Trail,
}

/// Where a connection comes from: an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Where `request` comes from, for a [`RawHandler`](crate::RawHandler); nothing where that is not known.
#[must_use]
pub fn peer<B>(request: &hyper::Request<B>) -> Option<IpAddr> {
    request.extensions().get::<Peer>().map(|peer| peer.0)
}

/// Where the request came in.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) dialect: &'static Dialect,
    pub(crate) policy: Arc<Policy>,
    /// `http://host:port` as clients reach it.
    pub(crate) public_url: Arc<str>,
    pub(crate) clock: SharedClock,
}

/// The body, as the endpoint wants it.
pub(crate) enum RequestBody {
    /// Read whole, and parsed at most once.
    Buffered(Bytes, OnceLock<Value>),
    /// To be read by the handler. The mutex only makes it shareable.
    Stream(std::sync::Mutex<BodyStream>),
}

impl Request {
    /// The path's parameter `name`.
    ///
    /// # Errors
    /// A 500: the row's path has no such parameter.
    pub fn param(&self, name: &str) -> Result<&str, Fault> {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| Fault::internal("reading a parameter of the path", format!("{} has no {name}", self.path)))
    }

    /// The query string.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The header `name`, where it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body's media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// The body's bytes; none where it is streamed.
    #[must_use]
    pub fn body_bytes(&self) -> &[u8] {
        match &self.body {
            RequestBody::Buffered(bytes, _) => bytes,
            RequestBody::Stream(_) => &[],
        }
    }

    /// The body as JSON; `null` where it is empty.
    ///
    /// # Errors
    /// A 400 where it is not JSON.
    pub fn body_value(&self) -> Result<&Value, Fault> {
        static NULL: Value = Value::Null;
        let RequestBody::Buffered(bytes, parsed) = &self.body else { return Ok(&NULL) };
        if bytes.is_empty() {
            return Ok(&NULL);
        }
        if let Some(value) = parsed.get() {
            return Ok(value);
        }
        let value = serde_json::from_slice(bytes).map_err(|_| self.not_json())?;
        Ok(parsed.get_or_init(|| value))
    }

    /// The body as a `T`.
    ///
    /// # Errors
    /// A 400 where it is not JSON or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        if let RequestBody::Buffered(bytes, parsed) = &self.body
            && parsed.get().is_none()
            && !bytes.is_empty()
        {
            return serde_json::from_slice(bytes).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => not_a_body(&error),
                _ => self.not_json(),
            });
        }
        T::deserialize(self.body_value()?).map_err(|error| not_a_body(&error))
    }

    /// For an action: what the body's single key holds.
    ///
    /// # Errors
    /// A 400 where the body is not JSON.
    pub fn action_value(&self) -> Result<&Value, Fault> {
        static NULL: Value = Value::Null;
        let body = self.body_value()?;
        Ok(self.action.and_then(|action| body.get(action)).unwrap_or(&NULL))
    }

    /// For an action: what the body's single key holds, as a `T`.
    ///
    /// # Errors
    /// A 400 where it is not a `T`.
    pub fn action_json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(self.action_value()?).map_err(|error| not_a_body(&error))
    }

    /// The body as it arrives, for an endpoint that [streams](crate::Endpoint::streams); otherwise what was read.
    #[must_use]
    pub fn into_body_stream(self) -> BodyStream {
        match self.body {
            RequestBody::Stream(stream) => stream.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
            RequestBody::Buffered(bytes, _) => BodyStream::of(bytes),
        }
    }

    /// Takes the body's stream out, so that the rest of the request can still be used.
    #[must_use]
    pub fn take_body_stream(&mut self) -> BodyStream {
        let taken = std::mem::replace(&mut self.body, RequestBody::Buffered(Bytes::new(), OnceLock::new()));
        match taken {
            RequestBody::Stream(stream) => stream.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
            RequestBody::Buffered(bytes, _) => BodyStream::of(bytes),
        }
    }

    /// Enforces `rule` on `target`.
    ///
    /// # Errors
    /// A 403 in the service's own words.
    pub fn authorize(&self, rule: &str, target: &Target) -> Result<(), Fault> {
        self.authorized.store(true, Ordering::Relaxed);
        if self.site.policy.allows(rule, &self.context, target) {
            return Ok(());
        }
        tracing::debug!(rule, request_id = %self.context.request_id, "denied by policy");
        Err(Fault::forbidden(self.site.dialect.denied(rule)).with_code("PolicyNotAuthorized"))
    }

    /// Whether `rule` allows the caller to act on `target`: for fields and filters that only some may use.
    #[must_use]
    pub fn allows(&self, rule: &str, target: &Target) -> bool {
        self.authorized.store(true, Ordering::Relaxed);
        self.site.policy.allows(rule, &self.context, target)
    }

    /// The service's public URL, with its version: `http://host/compute/v2.1`. Links to resources start with it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}{}{}", self.site.public_url, self.site.dialect.mount, self.site.dialect.version_path)
    }

    /// The service's public URL without its version: `http://host/compute`, what `bookmark` links start with.
    #[must_use]
    pub fn bookmark_url(&self) -> String {
        format!("{}{}", self.site.public_url, self.site.dialect.mount)
    }

    /// The URL that all services are below, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.site.public_url
    }

    /// What is put on record of it: for what only the handler knows.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The address that the request came from; none where it did not come over a connection.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// How long ago the request's head arrived.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The current time, by the clock that the application was given.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.site.clock.now()
    }

    /// How the service speaks.
    #[must_use]
    pub fn dialect(&self) -> &'static Dialect {
        self.site.dialect
    }

    fn not_json(&self) -> Fault {
        Fault::bad_request(self.site.dialect.not_json())
    }
}

fn not_a_body(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default().to_owned();
    Fault::bad_request(format!("Invalid input for request body: {what}"))
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("request_id", &self.context.request_id)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A body as it arrives: a stream of chunks that ends with an error where the client stops sending.
pub struct BodyStream {
    body: UnsyncBoxBody<Bytes, BoxError>,
    length: Option<u64>,
    idle: Pin<Box<tokio::time::Sleep>>,
    patience: Duration,
}

impl BodyStream {
    /// `body`, given up after `patience` without a chunk.
    pub(crate) fn new(body: UnsyncBoxBody<Bytes, BoxError>, patience: Duration) -> Self {
        let length = body.size_hint().exact();
        Self { body, length, idle: Box::pin(tokio::time::sleep(patience)), patience }
    }

    fn of(bytes: Bytes) -> Self {
        Self::new(crate::body::full(bytes), Duration::from_secs(60))
    }

    /// How many bytes it has, where the client said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// A 400 where the client went away or stood still.
    pub async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "an upload broke off");
                    return Poll::Ready(Some(Err(Fault::bad_request("The client stopped sending the body."))));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    let next = tokio::time::Instant::now() + self.patience;
                    self.idle.as_mut().reset(next);
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Pending => {
                    std::task::ready!(self.idle.as_mut().poll(context));
                    return Poll::Ready(Some(Err(Fault::bad_request("The body did not arrive in time."))));
                }
            }
        }
    }
}

impl std::fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyStream").field("length", &self.length).finish_non_exhaustive()
    }
}
