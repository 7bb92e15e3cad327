//! Endpoints as data: a row per operation, in a `static` table of the service that owns it.
//!
//! A row says how an operation is reached (method, path, microversions), what it takes to be allowed (a policy
//! rule) and who answers it (a handler). It holds no behaviour of its own; [`crate::service`] prepares the
//! tables at start and refuses those that contradict themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::Method;
use kit::Fault;

use crate::reply::Reply;
use crate::request::Request;
use crate::version::Microversion;

/// A future on the heap that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What answers an endpoint: every `async fn(Arc<S>, Request) -> Result<Reply, Fault>` is one.
pub trait Handler<S>: Send + Sync {
    /// Answers `request`.
    fn call(&self, state: Arc<S>, request: Request) -> BoxFuture<'static, Result<Reply, Fault>>;
}

impl<S, F, Fut> Handler<S> for F
where
    F: Fn(Arc<S>, Request) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Reply, Fault>> + Send + 'static,
{
    fn call(&self, state: Arc<S>, request: Request) -> BoxFuture<'static, Result<Reply, Fault>> {
        Box::pin(self(state, request))
    }
}

/// How the request's body reaches the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Read whole, within the limits, before the handler runs.
    Buffered,
    /// Handed over as it arrives: uploads.
    Stream,
}

/// One operation of a service's API.
pub struct Endpoint<S: 'static> {
    /// The HTTP method.
    pub method: Method,
    /// The path below the service's prefix, with `{name}` for each parameter.
    pub path: &'static str,
    /// For `POST …/action`: the body's single key.
    pub action: Option<&'static str>,
    /// The policy rule that is enforced before the handler runs. Empty: none.
    pub rule: &'static str,
    /// The first microversion that has it.
    pub since: Option<Microversion>,
    /// The last microversion that has it.
    pub until: Option<Microversion>,
    /// The status of a reply that names none ([`Reply::json`]); 200 when absent.
    pub success: Option<u16>,
    /// How the body reaches the handler.
    pub body: BodyKind,
    /// JSON schema of the body.
    pub schema: Option<&'static str>,
    /// JSON schema of the query string.
    pub query_schema: Option<&'static str>,
    /// Whether it is answered without a token.
    pub unauthenticated: bool,
    /// Whether the handler enforces the rule itself, because it needs a target that must be loaded first.
    pub deferred: bool,
    /// Whether its requests are traced from the start, so that the handler finds the spans in the context.
    pub traced: bool,
    /// Whether it is how somebody authenticates: it is put on record as that, whatever its method.
    pub authenticates: bool,
    /// What answers it.
    pub handler: &'static dyn Handler<S>,
}

impl<S: 'static> Endpoint<S> {
    /// A row for `method` and `path`.
    #[must_use]
    pub const fn new(method: Method, path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self {
            method,
            path,
            action: None,
            rule,
            since: None,
            until: None,
            success: None,
            body: BodyKind::Buffered,
            schema: None,
            query_schema: None,
            unauthenticated: false,
            deferred: false,
            traced: false,
            authenticates: false,
            handler,
        }
    }

    /// A `GET`.
    #[must_use]
    pub const fn get(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::GET, path, rule, handler)
    }

    /// A `POST`.
    #[must_use]
    pub const fn post(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::POST, path, rule, handler)
    }

    /// A `PUT`.
    #[must_use]
    pub const fn put(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::PUT, path, rule, handler)
    }

    /// A `PATCH`.
    #[must_use]
    pub const fn patch(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::PATCH, path, rule, handler)
    }

    /// A `DELETE`.
    #[must_use]
    pub const fn delete(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::DELETE, path, rule, handler)
    }

    /// A `HEAD`.
    #[must_use]
    pub const fn head(path: &'static str, rule: &'static str, handler: &'static dyn Handler<S>) -> Self {
        Self::new(Method::HEAD, path, rule, handler)
    }

    /// A `POST` whose body's single key is `action`: `{"os-start": null}`.
    #[must_use]
    pub const fn action(
        path: &'static str,
        action: &'static str,
        rule: &'static str,
        handler: &'static dyn Handler<S>,
    ) -> Self {
        let mut row = Self::new(Method::POST, path, rule, handler);
        row.action = Some(action);
        row
    }

    /// Only from microversion `major.minor` on.
    #[must_use]
    pub const fn since(mut self, major: u16, minor: u16) -> Self {
        self.since = Some(Microversion(major, minor));
        self
    }

    /// Only up to and with microversion `major.minor`.
    #[must_use]
    pub const fn until(mut self, major: u16, minor: u16) -> Self {
        self.until = Some(Microversion(major, minor));
        self
    }

    /// With a JSON schema that the body must satisfy.
    #[must_use]
    pub const fn schema(mut self, schema: &'static str) -> Self {
        self.schema = Some(schema);
        self
    }

    /// With a JSON schema that the query must satisfy, as an object of `name: [values…]`.
    #[must_use]
    pub const fn query_schema(mut self, schema: &'static str) -> Self {
        self.query_schema = Some(schema);
        self
    }

    /// With `status` for replies that name none.
    #[must_use]
    pub const fn success(mut self, status: u16) -> Self {
        self.success = Some(status);
        self
    }

    /// With the body handed over as a stream: no size or time limit but one on idleness.
    #[must_use]
    pub const fn streams(mut self) -> Self {
        self.body = BodyKind::Stream;
        self
    }

    /// Answered without a token.
    #[must_use]
    pub const fn unauthenticated(mut self) -> Self {
        self.unauthenticated = true;
        self
    }

    /// With the rule enforced by the handler, which must call [`Request::authorize`] before it
    /// succeeds: for rules that depend on what the path names.
    #[must_use]
    pub const fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// A way to authenticate, for the audit trail.
    #[must_use]
    pub const fn authenticates(mut self) -> Self {
        self.authenticates = true;
        self
    }

    /// With the request's spans kept, the check of its token among them.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.traced = true;
        self
    }
}
