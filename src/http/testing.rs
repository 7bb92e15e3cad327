//! For tests: an identity, an authenticator that believes what it is told, requests without a socket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use kit::{DomainRef, Fault, Identity, ProjectRef, RequestContext, RoleRef, Scope, Secret, Timestamp, UserRef};
use serde_json::{Value, json};

use crate::app::App;
use crate::endpoint::BoxFuture;
use crate::policy::Target;
use crate::reply::Reply;
use crate::request::Peer;
use crate::service::{Authenticator, RowInfo};

/// An identity of the domain `default`, scoped to `project`.
#[must_use]
pub fn identity(project: &str, user: &str, roles: &[&str]) -> Identity {
    let domain = || DomainRef { id: "default".into(), name: "Default".to_owned() };
    let role = |name: &&str| RoleRef { id: format!("{name}-id").into(), name: (*name).to_owned() };
    Identity {
        user: UserRef { id: user.into(), name: user.to_owned(), domain: domain(), password_expires_at: None },
        scope: Scope::Project(ProjectRef { id: project.into(), name: project.to_owned(), domain: domain() }),
        basis: kit::Basis::User,
        roles: roles.iter().map(role).collect(),
        methods: vec!["password".to_owned()],
        audit_ids: vec!["audit".to_owned()],
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
        authentication_micros: 0,
    }
}

/// Asks what the policy says to a request, on this target, instead of having it done: an extension of a request that is
/// given to [`App::answer`]. None can come over a connection.
///
/// All that stands before it happens as ever: limits, token, route, microversion, project, choice of the row. Then, in the
/// place of validation and handler, the row's rule is asked, and the answer is 403 or 200 with the name of the rule.
#[derive(Debug, Clone)]
pub struct Probe(pub Target);

impl Probe {
    pub(crate) fn decide(&self, row: &RowInfo, asked: &crate::request::Request) -> Result<Reply, Fault> {
        if !row.rule.is_empty() && !row.unauthenticated {
            asked.authorize(row.rule, &self.0)?;
        }
        Ok(Reply::ok(json!({ "row": row.name(), "rule": row.rule })))
    }
}

/// Knows some tokens.
#[derive(Debug, Default)]
pub struct KnownTokens(HashMap<String, Arc<Identity>>);

impl KnownTokens {
    /// The token `admin` of the project `admin-project`, and `member` and `reader` of `project`, with the implied roles.
    #[must_use]
    pub fn usual() -> Self {
        Self::default()
            .with("admin", identity("admin-project", "admin-user", &["admin", "manager", "member", "reader"]))
            .with("member", identity("project", "member-user", &["member", "reader"]))
            .with("reader", identity("project", "reader-user", &["reader"]))
    }

    /// With `token`.
    #[must_use]
    pub fn with(mut self, token: &str, identity: Identity) -> Self {
        self.0.insert(token.to_owned(), Arc::new(identity));
        self
    }
}

impl Authenticator for KnownTokens {
    fn authenticate<'a>(
        &'a self,
        context: &'a RequestContext,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Arc<Identity>, Fault>> {
        let known = self.0.get(token.expose()).cloned();
        context.trace.time("api", "ValidateToken").finish(None);
        Box::pin(async move { known.ok_or_else(|| Fault::unauthorized("The token is not known.")) })
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` where it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The header `name`; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends a request to `app` without a socket. An empty `token` or a null `body` is not sent.
///
/// # Errors
/// A fault where the request cannot be made or the answer breaks off.
pub async fn call(
    app: &App,
    token: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Answer, Fault> {
    call_from(app, None, token, method, path, headers, body).await
}

/// As [`call`], from the address `peer`.
///
/// # Errors
/// As [`call`].
pub async fn call_from(
    app: &App,
    peer: Option<IpAddr>,
    token: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Answer, Fault> {
    let mut request = Request::builder().method(method).uri(path).header("host", "cloud.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !token.is_empty() {
        request = request.header("x-auth-token", token);
    }
    if let Some(peer) = peer {
        request = request.extension(Peer(peer));
    }
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = request.body(Full::new(bytes)).map_err(|error| Fault::internal("making a request", error))?;
    let (head, body) = app.answer(request).await.into_parts();
    let body = body.collect().await.map_err(|error| Fault::internal("reading an answer", error))?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// The rows of `app` that answer something else than 401 without a token, though they should not.
pub async fn open_without_token(app: &App) -> Vec<String> {
    let mut open = Vec::new();
    for row in app.rows().filter(|row| !row.unauthenticated) {
        let path = row.example_path("x");
        let answer = call(app, "", row.method.as_str(), &path, &[], &Value::Null).await;
        if !answer.is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED.as_u16()) {
            open.push(row.name());
        }
    }
    open
}

/// The body of a response that is in memory.
#[cfg(test)]
pub(crate) fn text(response: hyper::Response<crate::body::ResponseBody>) -> String {
    let collected = futures_util::FutureExt::now_or_never(response.into_body().collect()).unwrap().unwrap();
    String::from_utf8(collected.to_bytes().to_vec()).unwrap()
}
