//! All services behind one listener.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Incoming};
use kit::SharedClock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Auditor;
use crate::body::{BoxError, ResponseBody};
use crate::endpoint::BoxFuture;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::policy::{Overrides, Policies};
use crate::service::{BuildError, Mount, RowInfo, Service};
use crate::tls::Tls;

/// Answers everything below a path by itself, without tables: the web console, its WebSockets.
pub trait RawHandler: Send + Sync {
    /// Answers `request`, whose connection can be upgraded.
    fn call(&self, request: hyper::Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>>;
}

/// All services behind one listener.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) mounts: Vec<Arc<Mount>>,
    pub(crate) raw: Vec<(&'static str, Arc<dyn RawHandler>)>,
    pub(crate) limits: watch::Sender<Arc<Limits>>,
    pub(crate) public_url: Option<Arc<str>>,
    pub(crate) clock: SharedClock,
    pub(crate) auditor: Option<Arc<dyn Auditor>>,
    /// Counts requests that are no service's.
    pub(crate) nowhere: Meter,
    /// Requests that go on without their client.
    pub(crate) tasks: TaskTracker,
    /// Ends what has not finished when the drain time is over.
    pub(crate) cut: CancellationToken,
}

impl Inner {
    /// The limits in force.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.borrow())
    }
}

type Prepare = Box<dyn FnOnce(&Overrides, &Arc<Policies>) -> Result<Mount, BuildError> + Send>;

/// Puts an [`App`] together.
pub struct Builder {
    limits: Limits,
    clock: SharedClock,
    public_url: Option<Arc<str>>,
    overrides: Overrides,
    policies: Arc<Policies>,
    auditor: Option<Arc<dyn Auditor>>,
    services: Vec<Prepare>,
    raw: Vec<(&'static str, Arc<dyn RawHandler>)>,
}

impl App {
    /// Starts to put one together.
    #[expect(clippy::new_ret_no_self, reason = "an App exists only once all services are known")]
    #[must_use]
    pub fn new(limits: Limits, clock: SharedClock) -> Builder {
        Builder {
            limits,
            clock,
            public_url: None,
            overrides: Overrides::none(),
            policies: Arc::default(),
            auditor: None,
            services: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// Accepts connections until `shutdown`, then lets open requests finish within the drain time. When it
    /// returns, no task of it is left.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        crate::listen::run(self, listener, None, shutdown).await;
    }

    /// As [`App::serve`], behind TLS.
    pub async fn serve_tls(&self, listener: TcpListener, tls: Arc<Tls>, shutdown: CancellationToken) {
        crate::listen::run(self, listener, Some(tls), shutdown).await;
    }

    /// Puts other limits in force, for what begins from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.inner.limits.send_replace(Arc::new(limits));
    }

    /// Answers one request: what a connection does with each, and tests without one.
    pub async fn answer<B>(&self, request: hyper::Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        crate::serve::serve(&self.inner, request).await
    }

    /// All rows of all services.
    pub fn rows(&self) -> impl Iterator<Item = &RowInfo> {
        self.inner.mounts.iter().flat_map(|mount| mount.rows.iter().map(|row| &row.info))
    }
}

impl Builder {
    /// With the URL that clients reach it by; without one, links are made of the `Host` header.
    #[must_use]
    pub fn public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.trim_end_matches('/')).filter(|url| !url.is_empty()).map(Arc::from);
        self
    }

    /// With an operator's policy.
    #[must_use]
    pub fn policy(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// The policies of all services, which are there once it is built: to look at, and to replace.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies)
    }

    /// With who puts requests on record.
    #[must_use]
    pub fn auditor(mut self, auditor: Arc<dyn Auditor>) -> Self {
        self.auditor = Some(auditor);
        self
    }

    /// With `service`.
    #[must_use]
    pub fn mount<S: Send + Sync + 'static>(mut self, service: Service<S>) -> Self {
        self.services.push(Box::new(move |overrides, policies| service.prepare(overrides, policies)));
        self
    }

    /// With `handler` for everything below `prefix`, such as `/console`; the services go before it.
    #[must_use]
    pub fn raw(mut self, prefix: &'static str, handler: Arc<dyn RawHandler>) -> Self {
        self.raw.push((prefix, handler));
        self
    }

    /// Compiles routes, schemas and policies.
    ///
    /// # Errors
    /// The first row, rule or override that cannot be used.
    pub fn build(self) -> Result<App, BuildError> {
        let mut mounts = Vec::<Arc<Mount>>::new();
        for prepare in self.services {
            let mount = prepare(&self.overrides, &self.policies)?;
            if mounts.iter().any(|other| other.dialect.mount == mount.dialect.mount) {
                return Err(BuildError::SameMount(mount.dialect.mount));
            }
            mounts.push(Arc::new(mount));
        }
        // Only now are all rules known that the file can be about.
        self.policies.replace(&self.overrides).map_err(BuildError::Overrides)?;
        Ok(App {
            inner: Arc::new(Inner {
                mounts,
                raw: self.raw,
                limits: watch::Sender::new(Arc::new(self.limits)),
                public_url: self.public_url,
                clock: self.clock,
                auditor: self.auditor,
                nowhere: Meter::default(),
                tasks: TaskTracker::new(),
                cut: CancellationToken::new(),
            }),
        })
    }
}

/// Whether `path` is `prefix` or lies below it; what follows the prefix.
pub(crate) fn below<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')).then_some(rest)
}
