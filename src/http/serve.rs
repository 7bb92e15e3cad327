//! One request, from its head to its answer. [`Exchange::answer`] is the order of events.

use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use kit::{Fault, FaultKind, RequestContext, Secret};
use serde_json::json;

use crate::access;
use crate::app::{App, Inner, below};
use crate::audit::{self, Trail};
use crate::body::{self, BoxError, ReadError, ResponseBody};
use crate::dialect::{Api, Dialect};
use crate::discovery::{self, Found};
use crate::endpoint::BodyKind;
use crate::envelope::{self, Asked};
use crate::limits::nests_within;
use crate::location::{split_project, url_of, versioned};
use crate::policy::Target;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::{BodyStream, Peer, Request, RequestBody, Site};
use crate::routes::Matched;
use crate::run::{Ending, run};
use crate::service::{Mount, Row};
use crate::testing::Probe;
use crate::version::{Microversion, Negotiated};

/// How much longer than its deadline a handler is waited for, so that it can say itself that it ran out of time.
const GRACE: Duration = Duration::from_secs(1);

/// Answers a request that came over a connection: the services', then the raw handlers'.
pub(crate) async fn connection_request(app: &App, incoming: hyper::Request<Incoming>) -> Response<ResponseBody> {
    if head_bytes(&incoming) > app.inner.limits().max_header_bytes {
        return head_too_large();
    }
    let path = incoming.uri().path();
    let ours = app.inner.mounts.iter().any(|mount| below(path, mount.dialect.mount).is_some());
    let raw = app.inner.raw.iter().find(|(prefix, _)| !ours && below(path, prefix).is_some());
    match raw {
        Some((_, handler)) => handler.call(incoming).await,
        None => serve(&app.inner, incoming).await,
    }
}

/// About how many bytes the head of `request` has. What is read at once may be more than a head is allowed to be.
fn head_bytes<B>(request: &hyper::Request<B>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request.method().as_str().len() + target + lines.sum::<usize>()
}

/// 431, as hyper says it where a head is larger than what is read at once.
fn head_too_large() -> Response<ResponseBody> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
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
    exchange.record_refusal(response.status()).await;
    exchange.count(response.status());
    exchange.log(&response);
    response
}

/// Why a request did not get as far as a handler's reply.
pub(crate) enum Refusal {
    /// A fault, in the service's envelope.
    Fault(Fault),
    /// A fault with a status of its own; the connection is closed, because the body was not read.
    Closing(Fault, StatusCode),
    /// An answer of the service's own form.
    Reply(Box<Reply>),
}

impl From<Reply> for Refusal {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A request on its way.
pub(crate) struct Exchange<'a> {
    pub(crate) app: &'a Arc<Inner>,
    pub(crate) started: Instant,
    pub(crate) context: RequestContext,
    pub(crate) method: Method,
    pub(crate) path: Arc<str>,
    /// The id under which the client's other requests are known, for the log alone.
    pub(crate) global_request_id: Option<String>,
    pub(crate) public_url: Arc<str>,
    pub(crate) mount: Option<Arc<Mount>>,
    /// The microversion in use, and whether the answer names it.
    pub(crate) version: Option<Microversion>,
    pub(crate) echo: bool,
    pub(crate) request_id_shown: bool,
    pub(crate) success: StatusCode,
    pub(crate) close: bool,
    /// The row that it came to, or that would have been asked.
    row: Option<usize>,
    /// What is put on record of it, until a handler's task takes it over.
    trail: Trail,
    peer: Option<IpAddr>,
}

impl<'a> Exchange<'a> {
    fn open(app: &'a Arc<Inner>, head: &Parts) -> Self {
        let path: Arc<str> = Arc::from(head.uri.path());
        let mount = app.mounts.iter().find(|mount| below(&path, mount.dialect.mount).is_some()).cloned();
        Self {
            app,
            started: Instant::now(),
            context: RequestContext::anonymous(),
            method: head.method.clone(),
            path,
            global_request_id: global_request_id(&head.headers),
            public_url: app.public_url.clone().unwrap_or_else(|| url_of(head)),
            mount,
            version: None,
            echo: true,
            request_id_shown: true,
            success: StatusCode::OK,
            close: false,
            row: None,
            trail: Trail::default(),
            peer: head.extensions.get::<Peer>().map(|peer| peer.0),
        }
    }

    /// Begins to record what is to be recorded.
    fn begin_trail(&mut self, mount: &Mount, headers: &HeaderMap, rows: &[usize], values: &[String]) {
        let each = || rows.iter().filter_map(|index| mount.rows.get(*index)).map(|row| &row.info);
        let wanted = self.app.auditor.is_some() && audit::is_recorded(&self.method, each());
        self.trail = Trail::begin(wanted, self.app.clock.now(), &self.context, &self.path, headers);
        self.trail.from(self.peer);
        if let Some(row) = each().next() {
            self.trail.operation(mount.dialect.service_type, row, values, false);
        }
    }

    /// Counts it, where it belongs.
    fn count(&self, status: StatusCode) {
        let mount = self.mount.as_deref();
        let row = mount.zip(self.row).and_then(|(mount, index)| mount.rows.get(index));
        let meter = row.map(|row| &row.meter).or(mount.map(|mount| &mount.meter)).unwrap_or(&self.app.nowhere);
        meter.count(status.as_u16(), self.started.elapsed());
    }

    /// Records a request that came to no handler.
    async fn record_refusal(&mut self, status: StatusCode) {
        self.trail.caller(&self.context);
        if let (Some(auditor), Some(event)) = (&self.app.auditor, self.trail.end(status.as_u16())) {
            auditor.record(event).await;
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
        let path = Arc::clone(&self.path);
        let within = below(&path, dialect.mount).unwrap_or_default();
        let home = mount.home.as_ref().and_then(|home| home.answer(within, &self.method, &head.headers));
        if let Some(found) = home.or_else(|| discovery::document(dialect, within, &self.method, &self.public_url)) {
            return Ok(self.open_document(dialect, found));
        }
        let Some((local, legacy)) = versioned(dialect, within) else {
            let found = discovery::unknown(dialect, within, &self.public_url);
            return Ok(self.open_document(dialect, found));
        };
        let (project, local) = split_project(dialect, local);
        let matched = mount.routes.find(local);
        let rows = matched.as_ref().and_then(|matched| self.rows(dialect, matched));
        if let (Some(rows), Some(matched)) = (rows, &matched) {
            self.row = rows.first().copied();
            self.begin_trail(&mount, &head.headers, rows, &matched.values);
        }
        let candidates = self.reach(&mount, &head.headers, rows, matched.as_ref(), legacy).await?;
        self.check_project(project)?;
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
        if each().any(|(_, row)| row.info.traced && row.info.method == self.method) {
            self.context = self.context.clone().traced();
        }
        if !open && (dialect.authenticate_first || rows.is_some()) {
            self.authenticate(mount, headers).await?;
        }
        let early = dialect.version_before_route.then(|| self.negotiate(dialect, headers, legacy)).transpose()?;
        let Some(matched) = matched else { return Err(envelope::unknown_path(&self.asked(dialect)).into()) };
        if rows.is_none() {
            let allowed: Vec<&str> = matched.path.methods().map(Method::as_str).collect();
            return Err(envelope::wrong_method(&self.asked(dialect), &allowed).into());
        }
        let version = early.map_or_else(|| self.negotiate(dialect, headers, legacy), Ok)?;
        let candidates: Vec<usize> =
            each().filter(|(_, row)| version.within(row.info.since, row.info.until)).map(|(index, _)| index).collect();
        if candidates.is_empty() {
            return Err(envelope::no_such_version(&self.asked(dialect)).into());
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
        let probe = head.extensions.get::<Probe>().cloned();
        let streams = candidates.first().and_then(|index| mount.rows.get(*index)).map(|row| row.info.body);
        let streams = streams == Some(BodyKind::Stream);
        if !streams {
            self.context = self.context.clone().within(self.app.limits().request_timeout);
        }
        let body = if streams { self.stream(body) } else { self.read(dialect, &head.headers, body).await? };
        let mut request = Request {
            context: self.context.clone(),
            version: self.version.unwrap_or_default(),
            method: self.method.clone(),
            path: self.path.to_string(),
            started: self.started,
            params: Vec::new(),
            query: Query::parse(head.uri.query().unwrap_or_default()),
            headers: head.headers,
            body,
            site: Site {
                dialect,
                policy: mount.policy(),
                public_url: Arc::clone(&self.public_url),
                clock: Arc::clone(&self.app.clock),
            },
            action: None,
            peer: self.peer,
            authorized: Arc::new(AtomicBool::new(false)),
            trail: self.trail.clone(),
        };
        let (index, row) = choose(mount, candidates, &request)?;
        self.row = Some(index);
        self.trail.operation(dialect.service_type, &row.info, &values, true);
        request.action = row.info.action;
        request.params = row.names.iter().copied().zip(values).collect();
        if let Some(probe) = probe {
            return Ok(probe.decide(&row.info, &request)?);
        }
        check(row, &request)?;
        if let Some(status) = row.info.success {
            self.success = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        }
        let limit = (!streams).then(|| self.app.limits().request_timeout + GRACE);
        self.trail.caller(&self.context);
        let trail = std::mem::take(&mut self.trail);
        Ok(run(self.app, mount, index, request, limit, Ending { trail, success: self.success }).await?)
    }

    /// Who asks.
    async fn authenticate(&mut self, mount: &Mount, headers: &HeaderMap) -> Result<(), Refusal> {
        let dialect = mount.dialect;
        let refuse = |exchange: &mut Self| {
            exchange.request_id_shown = dialect.request_id_on_401;
            Refusal::from(envelope::unauthorized(dialect, &exchange.public_url))
        };
        let token = headers.get("x-auth-token").and_then(|value| value.to_str().ok()).filter(|token| !token.is_empty());
        let (Some(token), Some(authenticator)) = (token, &mount.authenticator) else { return Err(refuse(self)) };
        let token = Secret::new(token);
        let asking = self.context.clone().within(self.app.limits().request_timeout);
        let asked = authenticator.authenticate(&asking, &token);
        let answer = tokio::time::timeout(self.app.limits().request_timeout, asked)
            .await
            .unwrap_or_else(|_| Err(Fault::timeout("The identity service did not answer in time.")));
        match answer {
            Ok(identity) if !access::permits(&identity, dialect, &self.method, &self.path) => Err(refuse(self)),
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
        RequestBody::Stream(std::sync::Mutex::new(BodyStream::new(body, self.app.limits().stream_idle_timeout)))
    }

    async fn read<B>(&mut self, dialect: &Dialect, headers: &HeaderMap, body: B) -> Result<RequestBody, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let limits = self.app.limits();
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
        if &*self.path != "/" || !matches!(self.method, Method::GET | Method::HEAD) {
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

    pub(crate) fn asked(&self, dialect: &'static Dialect) -> Asked<'_> {
        Asked { dialect, request_id: &self.context.request_id, version: self.version, method: self.method.as_str() }
    }
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
        schema.get()?.check_body(request.body_value()?)?;
    }
    if let Some(schema) = &row.query_schema {
        schema.get()?.check_query(&request.query)?;
    }
    if !row.info.rule.is_empty() && !row.info.deferred && !row.info.unauthenticated {
        request.authorize(row.info.rule, &Target::own())?;
    }
    Ok(())
}

/// A well-formed `X-OpenStack-Request-Id` of the client.
fn global_request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-openstack-request-id")?.to_str().ok()?;
    uuid::Uuid::try_parse(text.strip_prefix("req-")?).ok().map(|_| text.to_owned())
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
        Api::Keystone | Api::Neutron | Api::Glance | Api::Cloudbox => Ok(()),
    }
}
