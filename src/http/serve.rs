//! One request, from its head to its answer. [`Exchange::answer`] is the order of events.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use kit::{Fault, FaultKind, RequestContext, Secret};
use serde_json::json;
use tracing::Instrument as _;

use crate::app::{App, Inner, below};
use crate::body::{self, BoxError, ReadError, ResponseBody};
use crate::dialect::{Api, ComputeRequestId, Dialect};
use crate::discovery::{self, Found};
use crate::endpoint::BodyKind;
use crate::envelope::{self, Asked};
use crate::limits::nests_within;
use crate::policy::Target;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::{BodyStream, Request, RequestBody, Site};
use crate::routes::Matched;
use crate::service::{Mount, Row};
use crate::version::{Microversion, Negotiated};

/// How much longer than its deadline a handler is waited for, so that it can say itself that it ran out of time.
const GRACE: Duration = Duration::from_secs(1);

/// Answers a request that came over a connection: the services', then the raw handlers'.
pub(crate) async fn connection_request(app: &App, incoming: hyper::Request<Incoming>) -> Response<ResponseBody> {
    let path = incoming.uri().path();
    let ours = app.inner.mounts.iter().any(|mount| below(path, mount.dialect.mount).is_some());
    let raw = app.inner.raw.iter().find(|(prefix, _)| !ours && below(path, prefix).is_some());
    match raw {
        Some((_, handler)) => handler.call(incoming).await,
        None => serve(&app.inner, incoming).await,
    }
}

/// Answers one request.
pub(crate) async fn serve<B>(app: &Arc<Inner>, incoming: hyper::Request<B>) -> Response<ResponseBody>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, body) = incoming.into_parts();
    let mut exchange = Exchange::open(app, &head);
    let outcome = exchange.answer(head, body).await;
    let response = exchange.render(outcome);
    exchange.log(&response);
    response
}

/// Why a request did not get as far as a handler's reply.
enum Refusal {
    /// A fault, in the service's envelope.
    Fault(Fault),
    /// A fault with a status of its own; the connection is closed, because the body was not read.
    Closing(Fault, StatusCode),
    /// An answer of the service's own form.
    Reply(Reply),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A request on its way.
struct Exchange<'a> {
    app: &'a Arc<Inner>,
    started: Instant,
    context: RequestContext,
    method: Method,
    path: String,
    public_url: Arc<str>,
    mount: Option<Arc<Mount>>,
    /// The microversion in use, and whether the answer names it.
    version: Option<Microversion>,
    echo: bool,
    request_id_shown: bool,
    success: StatusCode,
    close: bool,
}

impl<'a> Exchange<'a> {
    fn open(app: &'a Arc<Inner>, head: &Parts) -> Self {
        let path = head.uri.path().to_owned();
        let mount = app.mounts.iter().find(|mount| below(&path, mount.dialect.mount).is_some()).cloned();
        Self {
            app,
            started: Instant::now(),
            context: RequestContext::anonymous(),
            method: head.method.clone(),
            path,
            public_url: app.public_url.clone().unwrap_or_else(|| url_of(head)),
            mount,
            version: None,
            echo: true,
            request_id_shown: true,
            success: StatusCode::OK,
            close: false,
        }
    }

    /// Request id and limits are settled; then: service, version document, route, token, microversion,
    /// project, body, row, validation, policy, handler.
    async fn answer<B>(&mut self, head: Parts, body: B) -> Result<Reply, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Some(mount) = self.mount.clone() else { return Ok(self.outside()) };
        let dialect = mount.dialect;
        let path = std::mem::take(&mut self.path);
        let within = below(&path, dialect.mount).unwrap_or_default();
        if let Some(found) = discovery::document(dialect, within, &self.method, &self.public_url) {
            self.path = path;
            return Ok(self.open_document(dialect, found));
        }
        let Some((local, legacy)) = versioned(dialect, within) else {
            let found = discovery::unknown(dialect, within, &self.public_url);
            self.path = path;
            return Ok(self.open_document(dialect, found));
        };
        let (project, local) = split_project(dialect, local);
        let matched = mount.routes.find(local);
        let rows = matched.as_ref().and_then(|matched| self.rows(dialect, matched));
        let result = self.reach(&mount, &head.headers, rows, matched.as_ref(), legacy).await;
        let project = project.map(str::to_owned);
        self.path = path;
        let candidates = result?;
        self.check_project(project.as_deref())?;
        let values = matched.map(|matched| matched.values).unwrap_or_default();
        self.enter(&mount, &candidates, values, head, body).await
    }

    /// Token, route and microversion: the rows that may answer.
    async fn reach(
        &mut self,
        mount: &Arc<Mount>,
        headers: &HeaderMap,
        rows: Option<&[usize]>,
        matched: Option<&Matched<'_>>,
        legacy: bool,
    ) -> Result<Vec<usize>, Refusal> {
        let dialect = mount.dialect;
        let each = || rows.unwrap_or_default().iter().filter_map(|index| Some((*index, mount.rows.get(*index)?)));
        let open = each().any(|(_, row)| row.info.unauthenticated);
        if !open && (dialect.authenticate_first || rows.is_some()) {
            self.authenticate(mount, headers).await?;
        }
        let early = dialect.version_before_route.then(|| self.negotiate(dialect, headers, legacy)).transpose()?;
        let Some(matched) = matched else { return Err(Refusal::Reply(envelope::unknown_path(&self.asked(dialect)))) };
        if rows.is_none() {
            let allowed: Vec<&str> = matched.path.methods().map(Method::as_str).collect();
            return Err(Refusal::Reply(envelope::wrong_method(&self.asked(dialect), &allowed)));
        }
        let version = early.map_or_else(|| self.negotiate(dialect, headers, legacy), Ok)?;
        let candidates: Vec<usize> =
            each().filter(|(_, row)| version.within(row.info.since, row.info.until)).map(|(index, _)| index).collect();
        if candidates.is_empty() {
            return Err(Refusal::Reply(envelope::no_such_version(&self.asked(dialect))));
        }
        Ok(candidates)
    }

    /// Body, row, validation, policy, handler.
    async fn enter<B>(
        &mut self,
        mount: &Arc<Mount>,
        candidates: &[usize],
        values: Vec<String>,
        head: Parts,
        body: B,
    ) -> Result<Reply, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let dialect = mount.dialect;
        let streams = candidates.first().and_then(|index| mount.rows.get(*index)).map(|row| row.info.body);
        let streams = streams == Some(BodyKind::Stream);
        if !streams {
            self.context = self.context.clone().within(self.app.limits.request_timeout);
        }
        let body = if streams { self.stream(body) } else { self.read(dialect, &head.headers, body).await? };
        let mut request = Request {
            context: self.context.clone(),
            version: self.version.unwrap_or_default(),
            method: self.method.clone(),
            path: self.path.clone(),
            params: Vec::new(),
            query: Query::parse(head.uri.query().unwrap_or_default()),
            headers: head.headers,
            body,
            site: Site {
                dialect,
                policy: Arc::clone(&mount.policy),
                public_url: Arc::clone(&self.public_url),
                clock: Arc::clone(&self.app.clock),
            },
            action: None,
            authorized: Arc::new(AtomicBool::new(false)),
        };
        let (index, row) = choose(mount, candidates, &request)?;
        request.action = row.info.action;
        request.params = row.names.iter().copied().zip(values).collect();
        check(row, &request)?;
        if let Some(status) = row.info.success {
            self.success = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        }
        let limit = (!streams).then(|| self.app.limits.request_timeout + GRACE);
        Ok(run(self.app, mount, index, request, limit).await?)
    }

    /// Who asks.
    async fn authenticate(&mut self, mount: &Mount, headers: &HeaderMap) -> Result<(), Refusal> {
        let dialect = mount.dialect;
        let refuse = |exchange: &mut Self| {
            exchange.request_id_shown = dialect.request_id_on_401;
            Refusal::Reply(envelope::unauthorized(dialect, &exchange.public_url))
        };
        let token = headers.get("x-auth-token").and_then(|value| value.to_str().ok()).filter(|token| !token.is_empty());
        let (Some(token), Some(authenticator)) = (token, &mount.authenticator) else { return Err(refuse(self)) };
        let token = Secret::new(token);
        let asking = self.context.clone().within(self.app.limits.request_timeout);
        let asked = authenticator.authenticate(&asking, &token);
        let answer = tokio::time::timeout(self.app.limits.request_timeout, asked)
            .await
            .unwrap_or_else(|_| Err(Fault::timeout("The identity service did not answer in time.")));
        match answer {
            Ok(identity) => {
                self.context.caller = kit::Caller::User { identity, token };
                Ok(())
            }
            Err(fault) if fault.kind() == FaultKind::Unauthorized => Err(refuse(self)),
            Err(fault) => Err(Refusal::Fault(fault)),
        }
    }

    /// Which microversion.
    fn negotiate(&mut self, dialect: &Dialect, headers: &HeaderMap, legacy: bool) -> Result<Microversion, Refusal> {
        let Some(scheme) = dialect.microversions else { return Ok(Microversion::default()) };
        if legacy {
            (self.version, self.echo) = (Some(scheme.min), false);
            return Ok(scheme.min);
        }
        match scheme.negotiate(headers) {
            Negotiated::Use(version) => {
                self.version = Some(version);
                Ok(version)
            }
            Negotiated::Refused(fault, version) => {
                self.version = Some(version);
                self.echo = dialect.api != Api::Placement;
                Err(fault.into())
            }
            Negotiated::Malformed(fault) => Err(fault.into()),
        }
    }

    /// A project id in the path must be the caller's, even an administrator's.
    fn check_project(&self, project: Option<&str>) -> Result<(), Refusal> {
        match project {
            Some(id) if self.context.project_id().is_none_or(|own| own.as_str() != id) => {
                Err(Fault::bad_request("Malformed request url").into())
            }
            _ => Ok(()),
        }
    }

    fn rows<'m>(&self, dialect: &Dialect, matched: &Matched<'m>) -> Option<&'m [usize]> {
        let rows = matched.path.rows(&self.method);
        if rows.is_none() && self.method == Method::HEAD && dialect.head_from_get {
            return matched.path.rows(&Method::GET);
        }
        rows
    }

    fn stream<B>(&self, body: B) -> RequestBody
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let body = body.map_err(Into::into).boxed_unsync();
        RequestBody::Stream(std::sync::Mutex::new(BodyStream::new(body, self.app.limits.stream_idle_timeout)))
    }

    async fn read<B>(&mut self, dialect: &Dialect, headers: &HeaderMap, body: B) -> Result<RequestBody, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let limits = &self.app.limits;
        let bytes = match body::read(body, limits.max_body_bytes, limits.body_timeout).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(unread(&error)),
        };
        if !bytes.is_empty() {
            check_media_type(dialect, headers)?;
            if !nests_within(&bytes, limits.max_json_depth) {
                return Err(Fault::bad_request(dialect.not_json()).into());
            }
        }
        Ok(RequestBody::Buffered(bytes, OnceLock::new()))
    }

    /// The root, and what no service has.
    fn outside(&self) -> Reply {
        if self.path != "/" || !matches!(self.method, Method::GET | Method::HEAD) {
            return Reply::status(
                404,
                json!({ "error": { "code": 404, "message": "There is nothing here.", "title": "Not Found" } }),
            );
        }
        let service = |mount: &Arc<Mount>| {
            let dialect = mount.dialect;
            json!({ "type": dialect.service_type, "name": dialect.name, "href": format!("{}{}", self.public_url, dialect.mount) })
        };
        Reply::ok(json!({ "services": self.app.mounts.iter().map(service).collect::<Vec<_>>() }))
    }

    fn open_document(&mut self, dialect: &Dialect, found: Found) -> Reply {
        self.request_id_shown = found.request_id;
        self.version = dialect.microversions.filter(|_| found.version).map(|scheme| scheme.min);
        found.reply
    }

    fn asked(&self, dialect: &'static Dialect) -> Asked<'_> {
        Asked { dialect, request_id: &self.context.request_id, version: self.version, method: self.method.as_str() }
    }

    /// The response, with the headers that every answer of the service has.
    fn render(&mut self, outcome: Result<Reply, Refusal>) -> Response<ResponseBody> {
        let reply = match outcome {
            Ok(reply) | Err(Refusal::Reply(reply)) => reply,
            Err(Refusal::Fault(fault)) => self.faulted(&fault, None),
            Err(Refusal::Closing(fault, status)) => {
                self.close = true;
                self.faulted(&fault, Some(status))
            }
        };
        let mut response = match reply.into_response(self.success) {
            Ok(response) => response,
            Err(fault) => {
                let reply = self.faulted(&fault, None);
                reply.into_response(StatusCode::INTERNAL_SERVER_ERROR).unwrap_or_else(|_| Response::new(body::empty()))
            }
        };
        self.add_headers(&mut response);
        if self.method == Method::HEAD {
            *response.body_mut() = body::empty();
        }
        response
    }

    fn faulted(&self, fault: &Fault, status: Option<StatusCode>) -> Reply {
        let dialect = self.mount.as_ref().map_or(&crate::dialect::KEYSTONE, |mount| mount.dialect);
        let asked = self.asked(dialect);
        let status = status.unwrap_or_else(|| envelope::status(dialect, fault));
        if status.is_server_error() {
            tracing::error!(request_id = %self.context.request_id, path = self.path, error = fault.chain(), "a request failed");
        } else {
            tracing::debug!(request_id = %self.context.request_id, error = fault.chain(), "a request was refused");
        }
        envelope::reply_as(&asked, fault, status)
    }

    fn add_headers(&self, response: &mut Response<ResponseBody>) {
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let headers = response.headers_mut();
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let (true, Ok(id)) = (self.request_id_shown, HeaderValue::from_str(&self.context.request_id)) {
            let twice = match self.mount.as_ref().map(|mount| mount.dialect.compute_request_id) {
                None | Some(ComputeRequestId::Never) => false,
                Some(ComputeRequestId::Always) => true,
                Some(ComputeRequestId::WithVersion) => self.version.is_some(),
            };
            if twice {
                headers.insert(HeaderName::from_static("x-compute-request-id"), id.clone());
            }
            headers.insert(HeaderName::from_static("x-openstack-request-id"), id);
        }
        let Some(dialect) = self.mount.as_ref().map(|mount| mount.dialect) else { return };
        if let Some(vary) = dialect.vary {
            headers.append(header::VARY, HeaderValue::from_static(vary));
        }
        let (Some(version), Some(scheme), true) = (self.version, dialect.microversions, self.echo) else { return };
        if let Ok(value) = HeaderValue::from_str(&format!("{} {version}", scheme.service)) {
            headers.insert(HeaderName::from_static("openstack-api-version"), value);
        }
        if dialect.api != Api::Placement || !failed {
            headers.append(header::VARY, HeaderValue::from_static("OpenStack-API-Version"));
        }
        if let (Some(legacy), Ok(value)) = (scheme.legacy_header, HeaderValue::from_str(&version.to_string())) {
            headers.insert(HeaderName::from_static(legacy), value);
            headers.append(header::VARY, HeaderValue::from_static("X-OpenStack-Nova-API-Version"));
        }
    }

    fn log(&self, response: &Response<ResponseBody>) {
        tracing::info!(
            request_id = %self.context.request_id,
            method = %self.method,
            path = self.path,
            status = response.status().as_u16(),
            micros = kit::trace::micros(self.started.elapsed()),
            project_id = self.context.project_id().map(kit::ids::ProjectId::as_str),
            "answered"
        );
    }
}

/// Runs the handler. One that changes something goes on without its client; a panic stays here.
async fn run(
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
        let task = app.tasks.spawn(answer);
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

/// The row for `request` among those that fit path, method and version: by action where they are actions.
fn choose<'m>(mount: &'m Mount, candidates: &[usize], request: &Request) -> Result<(usize, &'m Row), Refusal> {
    let rows = || candidates.iter().filter_map(|index| Some((*index, mount.rows.get(*index)?)));
    let row = if rows().any(|(_, row)| row.info.action.is_some()) {
        let body = request.body_value()?.as_object();
        let Some(key) = body.filter(|body| body.len() == 1).and_then(|body| body.keys().next()) else {
            return Err(Fault::bad_request(mount.dialect.not_json()).into());
        };
        let row = rows().find(|(_, row)| row.info.action == Some(key));
        row.ok_or_else(|| Fault::bad_request(format!("There is no such action: {key}")))?
    } else {
        rows().next().ok_or_else(|| Fault::internal("choosing a row", "there is none"))?
    };
    Ok(row)
}

/// Validation, then policy: as the services do it.
fn check(row: &Row, request: &Request) -> Result<(), Refusal> {
    if let Some(schema) = &row.schema {
        schema.check_body(request.body_value()?)?;
    }
    if let Some(schema) = &row.query_schema {
        schema.check_query(&request.query)?;
    }
    if !row.info.rule.is_empty() && !row.info.deferred && !row.info.unauthenticated {
        request.authorize(row.info.rule, &Target::own())?;
    }
    Ok(())
}

fn unread(error: &ReadError) -> Refusal {
    match error {
        ReadError::TooLarge => {
            Refusal::Closing(Fault::too_large("Request is too large."), StatusCode::PAYLOAD_TOO_LARGE)
        }
        ReadError::TooSlow => Refusal::Closing(
            Fault::bad_request("The request's body did not arrive in time."),
            StatusCode::REQUEST_TIMEOUT,
        ),
        ReadError::Broken => {
            Refusal::Closing(Fault::bad_request("The request's body could not be read."), StatusCode::BAD_REQUEST)
        }
    }
}

/// Whether the service takes the body's media type; one that is not named is taken for JSON.
fn check_media_type(dialect: &Dialect, headers: &HeaderMap) -> Result<(), Fault> {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return Ok(()) };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") || media_type.is_empty() {
        return Ok(());
    }
    match dialect.api {
        Api::Nova | Api::Cinder => Err(Fault::unsupported_media_type("Unsupported Content-Type")),
        Api::Placement => Err(Fault::unsupported_media_type(format!(
            "The media type {media_type} is not supported, use application/json"
        ))),
        Api::Keystone | Api::Neutron | Api::Glance => Ok(()),
    }
}

/// The path below the version, and whether it was an older one's.
fn versioned<'p>(dialect: &Dialect, path: &'p str) -> Option<(&'p str, bool)> {
    let current = below(path, dialect.version_path).map(|rest| (rest, false));
    let found =
        current.or_else(|| dialect.legacy_paths.iter().find_map(|legacy| below(path, legacy)).map(|rest| (rest, true)));
    found.map(|(rest, legacy)| {
        let rest = if dialect.trailing_slash && rest.len() > 1 { rest.trim_end_matches('/') } else { rest };
        (if rest.is_empty() { "/" } else { rest }, legacy)
    })
}

/// The project id that `path` starts with, where the service allows one, and the rest.
fn split_project<'p>(dialect: &Dialect, path: &'p str) -> (Option<&'p str>, &'p str) {
    let first = path.strip_prefix('/').map(|rest| rest.split_once('/').map_or((rest, ""), |(first, _)| (first, "/")));
    let Some((first, _)) = first.filter(|(first, _)| dialect.project_in_path && is_id(first)) else {
        return (None, path);
    };
    let rest = path.get(first.len() + 1..).unwrap_or_default();
    (Some(first), if rest.is_empty() { "/" } else { rest })
}

/// Whether `text` is a project's id: 32 hexadecimal digits, or a dashed UUID.
fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && (text.len() == 32 || (text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4))
}

/// The URL that the client used, where none is configured.
fn url_of(head: &Parts) -> Arc<str> {
    let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| head.uri.authority().map(hyper::http::uri::Authority::as_str));
    Arc::from(format!("http://{}", host.unwrap_or("localhost")))
}
