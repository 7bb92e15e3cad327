//! The cloud's APIs: one token for a command, the catalog, JSON in and out, lists to their last page.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RANGE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use super::catalog::{self, Service};
use super::credentials::Credentials;
use super::fault_text;
use super::http::{self, Answer, Body, Counter, Http};
use super::login::{self, Login};
use super::problem::{Kind, Problem, Result};
use super::socket::{self, Socket};
use super::token_cache::TokenCache;
use super::versions::{self, Range};

/// The most pages of a list that are read.
const MOST_PAGES: usize = 10_000;

/// The oldest login to hand out is this many seconds from its end.
const SPARE: i64 = 60;

/// The way to the cloud. It logs in when it is first used.
pub struct Client {
    http: Http,
    credentials: Credentials,
    login: Mutex<Option<Arc<Login>>>,
    kept: Option<TokenCache>,
}

/// What is asked of a service.
struct Asked<'a> {
    method: Method,
    service: Service,
    path: &'a str,
    body: Option<&'a Value>,
    /// The token that it is about.
    subject: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn of(method: Method, service: Service, path: &'a str) -> Self {
        Self { method, service, path, body: None, subject: None }
    }
}

impl Client {
    /// A client that uses `credentials`.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self { http: Http::new(credentials.trust.clone()), credentials, login: Mutex::default(), kept: None }
    }

    /// One that keeps its login in `kept` for the next command.
    #[must_use]
    pub fn keeping(self, kept: Option<TokenCache>) -> Self {
        Self { kept, ..self }
    }

    /// The credentials in use.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The project that the token is for.
    ///
    /// # Errors
    /// When the login fails.
    pub async fn project_id(&self) -> Result<Option<String>> {
        Ok(self.login().await?.project_id.clone())
    }

    /// `GET`.
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses; so with all the others.
    pub async fn get(&self, service: Service, path: &str) -> Result<Value> {
        self.json(Method::GET, service, path, None).await
    }

    /// `POST`.
    pub async fn post(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::POST, service, path, Some(body)).await
    }

    /// `PUT`.
    pub async fn put(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::PUT, service, path, Some(body)).await
    }

    /// Any method.
    pub async fn send(&self, method: Method, service: Service, path: &str, body: Option<&Value>) -> Result<Value> {
        self.json(method, service, path, body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, service: Service, path: &str) -> Result<()> {
        self.json(Method::DELETE, service, path, None).await.map(drop)
    }

    /// All of a list that comes in pages below `key`.
    pub async fn list(&self, service: Service, path: &str, key: &str) -> Result<Vec<Value>> {
        let bare = path.split('?').next().unwrap_or(path);
        let (mut all, mut path) = (Vec::new(), path.to_owned());
        for _ in 0..MOST_PAGES {
            let mut page = self.get(service, &path).await?;
            if let Some(Value::Array(objects)) = page.get_mut(key).map(Value::take) {
                all.extend(objects);
            }
            // Only the query is taken from the link: it may name a host that is not reached from here.
            match next_link(&page, key).and_then(|link| link.split_once('?')) {
                Some((_, query)) => path = format!("{bare}?{query}"),
                None => return Ok(all),
            }
        }
        Err(Problem::failed(format!("the list of {key} does not end")))
    }

    /// Opens the WebSocket at `url` (`ws:` or `wss:`), which an answer of the cloud has told.
    pub async fn socket(&self, url: &str) -> Result<Socket> {
        socket::open(&self.http, url).await
    }

    /// Asks what a token is for, or ends it.
    pub async fn of_token(&self, method: Method, token: &str) -> Result<Value> {
        self.answer(&Asked { subject: Some(token), ..Asked::of(method, Service::Identity, "/auth/tokens") }).await
    }

    /// Whether the cloud has `service`.
    pub async fn has(&self, service: Service) -> Result<bool> {
        Ok(self.url(&*self.login().await?, service).is_ok())
    }

    /// `PUT`s a file's bytes; `report` is told how many have gone.
    pub async fn upload(
        &self,
        service: Service,
        path: &str,
        file: &std::path::Path,
        report: impl FnMut(u64),
    ) -> Result<()> {
        let sent = Counter::default();
        let (body, length) = http::file(file, &sent).await?;
        let builder = self.request(&*self.login().await?, Method::PUT, service, path)?;
        let builder = builder.header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_LENGTH, length);
        let request = built(builder, body)?;
        let answer = self.http.upload(request, &sent, report).await;
        // A refusal may come as soon as the first bytes have been seen, and the connection with it.
        let answer = answer.map_err(|problem| match sent.load(Ordering::Relaxed) {
            sent if sent < length => problem.hint("the upload was broken off: the log of `cloudbox serve` may say why"),
            _ => problem,
        })?;
        accepted(&answer).map(drop)
    }

    /// `GET`s bytes as they come, from the byte `from` on where the cloud can.
    pub async fn download(&self, service: Service, path: &str, from: u64) -> Result<Response<Incoming>> {
        let mut builder = self.request(&*self.login().await?, Method::GET, service, path)?;
        if from > 0 {
            builder = builder.header(RANGE, format!("bytes={from}-"));
        }
        let response = self.http.open(built(builder, http::bytes(""))?).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let answer = http::read(response).await?;
        Err(accepted(&answer).err().unwrap_or_else(|| Problem::failed("the cloud answered nothing")))
    }

    async fn json(&self, method: Method, service: Service, path: &str, body: Option<&Value>) -> Result<Value> {
        self.answer(&Asked { body, ..Asked::of(method, service, path) }).await
    }

    /// The answer to `asked`, with a new login where the kept one is no good any more.
    async fn answer(&self, asked: &Asked<'_>) -> Result<Value> {
        let (login, fresh) = self.login_and_age().await?;
        let answer = self.exchange(&login, asked).await;
        let stale = match &answer {
            Ok(answer) => answer.status == StatusCode::UNAUTHORIZED,
            // The cloud may be elsewhere by now.
            Err(problem) => problem.kind == Kind::Unreachable,
        };
        let answer = if fresh || !stale {
            accepted(&answer?)
        } else {
            *self.login.lock().await = None;
            self.kept.iter().for_each(TokenCache::forget);
            let login = self.login().await?;
            accepted(&self.exchange(&login, asked).await?)
        };
        answer.map_err(|problem| match (asked.service, problem.kind) {
            (Service::Cloudbox, Kind::NotFound) => {
                problem.hint("this is an API of cloudbox's own: other clouds do not have it")
            }
            _ => problem,
        })
    }

    /// One request; and another one where the cloud does not have the version that it was asked for.
    async fn exchange(&self, login: &Login, asked: &Asked<'_>) -> Result<Answer> {
        let answer = self.ask(login, asked).await?;
        if answer.status != StatusCode::NOT_ACCEPTABLE || login.versions.contains_key(asked.service.name()) {
            return Ok(answer);
        }
        match self.learn_versions(login, asked.service).await? {
            Some(login) => self.ask(&login, asked).await,
            None => Ok(answer),
        }
    }

    /// Asks `service` which versions it has. Answers the login that knows it; `None` where the service does not say.
    async fn learn_versions(&self, login: &Login, service: Service) -> Result<Option<Arc<Login>>> {
        let url = catalog::version_document(&self.url(login, service)?);
        let request = Request::get(url).header("X-Auth-Token", &login.token).header("Accept", "application/json");
        let answer = self.http.send(built(request, http::bytes(""))?).await?;
        let document = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(range) = Range::of_document(&document) else { return Ok(None) };
        let mut login = login.clone();
        login.versions.insert(service.name().to_owned(), range);
        let login = Arc::new(login);
        self.kept.iter().for_each(|kept| kept.write(&login));
        *self.login.lock().await = Some(Arc::clone(&login));
        Ok(Some(login))
    }

    async fn ask(&self, login: &Login, asked: &Asked<'_>) -> Result<Answer> {
        let Asked { service, path, body, .. } = *asked;
        let mut builder = self.request(login, asked.method.clone(), service, path)?;
        let version = versions::to_ask(service, path, body, login.versions.get(service.name()))?;
        if let Some(version) = version {
            builder = builder.header("OpenStack-API-Version", format!("{} {version}", service.name()));
            if service == Service::Compute {
                builder = builder.header("X-OpenStack-Nova-API-Version", version.to_string());
            }
        }
        if let Some(token) = asked.subject {
            builder = builder.header("X-Subject-Token", token);
        }
        // Glance calls a change by what it is.
        let media_type = match (service, &asked.method) {
            (Service::Image, &Method::PATCH) => "application/openstack-images-v2.1-json-patch",
            _ => "application/json",
        };
        let request = match body {
            Some(body) => built(builder.header(CONTENT_TYPE, media_type), http::bytes(body.to_string()))?,
            None => built(builder, http::bytes(""))?,
        };
        self.http.send(request).await
    }

    /// Where `service` is.
    fn url(&self, login: &Login, service: Service) -> Result<String> {
        login.catalog.url(service, &self.credentials.interface, self.credentials.region.as_deref())
    }

    /// A request to `path`, in which `{user_id}` and `{project_id}` are the token's own.
    fn request(
        &self,
        login: &Login,
        method: Method,
        service: Service,
        path: &str,
    ) -> Result<hyper::http::request::Builder> {
        let base = self.url(login, service)?;
        let own = [("{user_id}", &login.user_id), ("{project_id}", &login.project_id)];
        let path = own.iter().fold(path.to_owned(), |path, (name, id)| {
            if path.contains(name) { path.replace(name, &escape(id.as_deref().unwrap_or_default())) } else { path }
        });
        let builder = Request::builder().method(method).uri(format!("{base}{path}"));
        Ok(builder.header("X-Auth-Token", &login.token).header("Accept", "application/json"))
    }

    /// A new login, which no other command has.
    ///
    /// # Errors
    /// As [`Self::login`].
    pub async fn new_login(&self) -> Result<Login> {
        login::log_in(&self.http, &self.credentials).await
    }

    /// The login in use: this command's own, the one that an earlier command kept, or a new one.
    ///
    /// # Errors
    /// When the cloud cannot be reached or does not accept the credentials.
    pub async fn login(&self) -> Result<Arc<Login>> {
        Ok(self.login_and_age().await?.0)
    }

    /// The login, and whether it was made just now.
    async fn login_and_age(&self) -> Result<(Arc<Login>, bool)> {
        let mut login = self.login.lock().await;
        if let Some(login) = &*login {
            return Ok((Arc::clone(login), false));
        }
        let kept = self.kept.as_ref().and_then(TokenCache::read);
        if let Some(kept) = kept.filter(|kept| kept.lasts(SPARE)) {
            let kept = Arc::new(kept);
            *login = Some(Arc::clone(&kept));
            return Ok((kept, false));
        }
        let made = Arc::new(self.new_login().await?);
        self.kept.iter().for_each(|kept| kept.write(&made));
        *login = Some(Arc::clone(&made));
        Ok((made, true))
    }
}

/// The request that `builder` has begun.
pub(super) fn built(builder: hyper::http::request::Builder, body: Body) -> Result<Request<Body>> {
    builder.body(body).map_err(|error| Problem::usage(format!("this makes no HTTP request: {error}")))
}

/// The JSON of a good answer; the reason of another.
pub(super) fn accepted(answer: &Answer) -> Result<Value> {
    let status = answer.status;
    if status.is_success() {
        // 202 and 204 have no body, and a console or a reboot needs none.
        return Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null));
    }
    let text = fault_text::of(&answer.body, &format!("the cloud answered {status}"));
    Err(match status {
        StatusCode::NOT_FOUND => Problem::not_found(text),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Problem::not_allowed(text),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            let wait = answer.headers.get("Retry-After").and_then(|wait| wait.to_str().ok()?.parse().ok());
            let wait = Duration::from_secs(wait.unwrap_or(1));
            Problem::failed(text).hint(format!("the cloud is busy: try again in {} s", wait.as_secs()))
        }
        status if status.is_server_error() => match answer.headers.get("X-Openstack-Request-Id") {
            Some(id) => Problem::failed(text)
                .hint(format!("the log of `cloudbox serve` says more about {}", id.to_str().unwrap_or_default())),
            None => Problem::failed(text),
        },
        _ => Problem::failed(text),
    })
}

fn next_link<'a>(page: &'a Value, key: &str) -> Option<&'a str> {
    if let Some(Value::String(next)) = page.get("next") {
        return Some(next);
    }
    let links = page.get(format!("{key}_links"))?.as_array()?;
    let next = links.iter().find(|link| link.get("rel").and_then(Value::as_str) == Some("next"))?;
    next.get("href")?.as_str()
}

/// `text` as one segment of a path, or as a value of a query.
#[must_use]
pub fn escape(text: &str) -> String {
    const KEEP: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEEP).to_string()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
