//! A client that keeps one connection open: what it costs is part of every figure over HTTP.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// One connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    token: String,
}

impl Client {
    /// Connects to `url` and bears `token`.
    pub async fn connect(url: &str, token: &str) -> Self {
        let host = url.strip_prefix("http://").expect("an http URL").to_owned();
        let stream = tokio::net::TcpStream::connect(&host).await.expect("the cloud listens");
        stream.set_nodelay(true).expect("a TCP option");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { sender, host, token: token.to_owned() }
    }

    /// Sends a request; status, headers that matter, body.
    pub async fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Option<String>, Bytes) {
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("x-auth-token", &self.token)
            .header("x-subject-token", &self.token)
            .header("content-type", "application/json")
            .header("openstack-api-version", "compute 2.96")
            .body(Full::new(bytes))
            .expect("a request");
        self.sender.ready().await.expect("the connection is open");
        let answer = self.sender.send_request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let token = answer.headers().get("x-subject-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, token, body)
    }

    /// Reads `path`, which must be there; how many bytes that is. Nothing is parsed: that would be the client's time.
    pub async fn read(&mut self, path: &str) -> usize {
        let (answered, _, bytes) = self.send("GET", path, &Value::Null).await;
        assert_eq!(answered, 200, "GET {path}: {}", String::from_utf8_lossy(&bytes));
        bytes.len()
    }

    /// Sends a request that must be answered `status`; its JSON.
    pub async fn must(&mut self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        let (answered, _, bytes) = self.send(method, path, body).await;
        assert_eq!(answered, status, "{method} {path}: {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}
