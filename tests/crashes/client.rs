//! A client of a cloud that may die at any moment: what comes back is an answer, or nothing.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::wait::PATIENCE;

/// An administrator of the cloud at `url`.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    token: Option<String>,
}

impl Client {
    /// Somebody with this token, if any.
    pub fn new(url: &str, token: Option<String>) -> Self {
        Self { http: Http::builder(TokioExecutor::new()).build_http(), url: url.to_owned(), token }
    }

    /// Logs the administrator in; the token.
    pub async fn log_in(&self, password: &str) -> String {
        let domain = json!({ "id": "default" });
        let user = json!({ "name": "admin", "domain": domain, "password": password });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let scope = json!({ "project": { "name": "admin", "domain": domain } });
        let auth = json!({ "auth": { "identity": identity, "scope": scope } });
        let answer = self.send("POST", "/identity/v3/auth/tokens", auth).await.unwrap();
        answer.token.clone().unwrap_or_else(|| panic!("no token: {answer:?}"))
    }

    /// Sends a request; nothing comes back when the cloud dies over it.
    pub async fn try_send(&self, method: &str, path: &str, media_type: &str, body: Bytes) -> Option<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("Content-Type", media_type).header("OpenStack-API-Version", "compute 2.72");
        if let Some(token) = &self.token {
            request = request.header("X-Auth-Token", token);
        }
        let request = request.body(Full::new(body)).unwrap();
        let exchange = async {
            let (head, body) = self.http.request(request).await.ok()?.into_parts();
            let token = head.headers.get("X-Subject-Token").and_then(|token| token.to_str().ok()).map(str::to_owned);
            Some(Answer { status: head.status.as_u16(), body: body.collect().await.ok()?.to_bytes(), token })
        };
        tokio::time::timeout(PATIENCE, exchange).await.ok()?
    }

    /// As [`Client::try_send`], with a body of JSON, or none where it is null.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> Option<Answer> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.try_send(method, path, "application/json", body).await
    }

    /// Sends a request that has to succeed; what the answer says.
    pub async fn must(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await.unwrap_or_else(|| panic!("{method} {path}: no answer"));
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.json()
    }

    /// What there is at `path`, if anything.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.send("GET", path, Value::Null).await.unwrap_or_else(|| panic!("GET {path}: no answer"));
        assert!(answer.status == 404 || answer.status < 300, "GET {path}: {answer:?}");
        (answer.status < 300).then(|| answer.json())
    }
}

impl Answer {
    /// The body; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
