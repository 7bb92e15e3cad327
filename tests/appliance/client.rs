//! A client of the cloud's APIs: requests with a token, answers that can be asserted on.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::world::within;

/// Someone who uses the cloud; or nobody, without a token.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    headers: Vec<(String, String)>,
    /// The token.
    pub token: Option<String>,
    /// What the token says: the body that came with it.
    pub says: Value,
}

/// A request that is being put together.
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// An answer.
pub struct Answer {
    /// Method and path of the request.
    asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// Nobody yet, at the cloud's URL.
    pub fn new(url: &str) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Self { http, url: url.to_owned(), headers: Vec::new(), token: None, says: Value::Null }
    }

    /// The same person, where the cloud is reached now.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same person, who sends this header with every request.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same person, who speaks this microversion: `compute 2.96`.
    pub fn speaking(&self, version: &str) -> Self {
        self.with("OpenStack-API-Version", version)
    }

    /// With another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Asks for a token with a password.
    pub async fn ask_for_token(&self, user: &Value, scope: Option<Value>) -> Answer {
        let mut auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } } });
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        self.post("/identity/v3/auth/tokens", json!({ "auth": auth })).await
    }

    /// Becomes `user` (`{"id", "password"}` or `{"name", "domain", "password"}`) in `scope`.
    pub async fn log_in(&self, user: &Value, scope: Option<Value>) -> Self {
        let answer = self.ask_for_token(user, scope).await;
        let token = answer.header("X-Subject-Token").map(str::to_owned);
        let says = answer.expect(201)["token"].take();
        Self { token, says, ..self.clone() }
    }

    /// The project that the token is for.
    pub fn project(&self) -> &str {
        self.says["project"]["id"].as_str().expect("a token for a project")
    }

    /// The user whose token it is.
    pub fn user(&self) -> &str {
        self.says["user"]["id"].as_str().expect("a token of a user")
    }

    /// A request.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let headers = self.headers.clone();
        Call { client: self, method, path: path.to_owned(), headers, body: Bytes::new() }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(&body).send().await
    }

    /// `PUT` of JSON; of nothing when `body` is null.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        let call = self.call(Method::PUT, path);
        if body.is_null() { call.send().await } else { call.json(&body).send().await }
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path).json(&body).send().await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }
}

impl Call<'_> {
    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    /// With this body.
    pub fn bytes(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(("Content-Type".to_owned(), media_type.to_owned()));
        self.body = body.into();
        self
    }

    /// Sends it and reads the answer.
    pub async fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        let uri =
            if self.path.starts_with("http://") { self.path } else { format!("{}{}", self.client.url, self.path) };
        let mut request = Request::builder().method(self.method).uri(uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.client.token {
            request = request.header("X-Auth-Token", token);
        }
        let request = request.body(Full::new(self.body)).unwrap();
        let exchange = async {
            let response = self.client.http.request(request).await.unwrap();
            let (head, body) = response.into_parts();
            (head, body.collect().await.unwrap().to_bytes())
        };
        let (head, body) = within(&asked, exchange).await;
        Answer { asked, status: head.status.as_u16(), headers: head.headers, body }
    }
}

impl Answer {
    /// The body as JSON, null when there is none, after it was made sure that the status is `status`.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// As [`Answer::expect`], for an answer that is not JSON.
    #[track_caller]
    pub fn expect_bytes(&self, status: u16) -> Bytes {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self.body.clone()
    }

    /// As [`Answer::expect`], for an error: what it says to people.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> String {
        let body = self.expect(status);
        let object = body.as_object().unwrap_or_else(|| panic!("{}: {}", self.asked, self.text()));
        let inner = object.values().find(|value| value.is_object()).unwrap_or(&body);
        inner["message"].as_str().unwrap_or_else(|| panic!("no message in {body}")).to_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }
}
