//! For tests: an issuer with a key of its own, and a provider on a loopback port.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::Timestamp;
use kit::config::OidcConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The client that cloudbox is at the provider.
pub(crate) const CLIENT: &str = "cloudbox";

/// The tests' time.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T13:30:34Z".parse().unwrap()
}

/// Somebody who signs tokens.
#[derive(Clone)]
pub(crate) struct Issuer {
    key: EncodingKey,
    kid: String,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self { key: EncodingKey::from_ec_der(der.as_ref()), kid: uuid::Uuid::new_v4().to_string() }
    }

    pub(crate) fn keys(&self) -> JwkSet {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        key.common.key_id = Some(self.kid.clone());
        JwkSet { keys: vec![key] }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| {})
    }

    pub(crate) fn sign_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

#[derive(Default)]
struct State {
    counts: HashMap<String, usize>,
    /// What is said of whom a code or an access token stands for.
    claims: Value,
    nonce: String,
    challenge: String,
}

/// A provider that knows one user.
pub(crate) struct TestProvider {
    pub(crate) url: String,
    issuer: Arc<Mutex<Issuer>>,
    state: Arc<Mutex<State>>,
    away: Arc<AtomicBool>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Arc::new(Mutex::new(Issuer::new()));
        let state = Arc::new(Mutex::new(State { claims: json!({"sub": "bob"}), ..State::default() }));
        let away = Arc::new(AtomicBool::new(false));
        let served = (url.clone(), issuer.clone(), state.clone(), away.clone());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                let service = service_fn(move |request| {
                    let (url, issuer, state, away) = served.clone();
                    async move { Ok::<_, Infallible>(answer(&url, &issuer, &state, &away, request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, issuer, state, away, server }
    }

    pub(crate) fn config(&self) -> OidcConfig {
        OidcConfig { issuer: self.url.clone(), client_id: CLIENT.to_owned(), ..OidcConfig::default() }
    }

    pub(crate) fn issuer(&self) -> Issuer {
        self.issuer.lock().unwrap().clone()
    }

    /// From here on it signs with another key.
    pub(crate) fn rotate(&self) {
        *self.issuer.lock().unwrap() = Issuer::new();
    }

    pub(crate) fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.state.lock().unwrap().counts.get(path).copied().unwrap_or_default()
    }

    /// What it says of its user from here on.
    pub(crate) fn say(&self, claims: Value) {
        self.state.lock().unwrap().claims = claims;
    }

    /// The user logs in with what a browser was sent with.
    pub(crate) fn log_in(&self, nonce: &str, challenge: &str) {
        let mut state = self.state.lock().unwrap();
        (state.nonce, state.challenge) = (nonce.to_owned(), challenge.to_owned());
    }

    /// What it says of its user in a token.
    pub(crate) fn claims(&self, at: Timestamp) -> Value {
        let mut claims = self.state.lock().unwrap().claims.clone();
        let add = json!({"iss": self.url, "aud": CLIENT, "exp": at.as_second() + 300, "iat": at.as_second()});
        claims.as_object_mut().unwrap().extend(add.as_object().unwrap().clone());
        claims
    }

    /// A token of its user.
    pub(crate) fn token(&self, at: Timestamp) -> String {
        self.issuer().sign(&self.claims(at))
    }
}

async fn answer(
    url: &str,
    issuer: &Mutex<Issuer>,
    state: &Mutex<State>,
    away: &AtomicBool,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let form = http_kit::Query::parse(std::str::from_utf8(&body).unwrap());
    let mut state = state.lock().unwrap();
    *state.counts.entry(path.clone()).or_default() += 1;
    let issuer = issuer.lock().unwrap();
    let (status, value) = if away.load(Ordering::SeqCst) {
        (502, Value::Null)
    } else {
        match path.as_str() {
            "/.well-known/openid-configuration" => (200, metadata(url)),
            "/jwks" => (200, serde_json::to_value(issuer.keys()).unwrap()),
            "/introspect" => (200, introspection(form.get("token").unwrap())),
            "/token" => redeem(url, &issuer, &state, &form),
            "/userinfo" => (200, json!({"sub": state.claims["sub"], "email": "bob@userinfo", "iss": "forged"})),
            _ => (404, Value::Null),
        }
    };
    Response::builder().status(status).body(Full::from(value.to_string())).unwrap()
}

fn metadata(url: &str) -> Value {
    json!({
        "issuer": url, "jwks_uri": format!("{url}/jwks"), "authorization_endpoint": format!("{url}/authorize?x=y"),
        "token_endpoint": format!("{url}/token"), "userinfo_endpoint": format!("{url}/userinfo"),
        "introspection_endpoint": format!("{url}/introspect"),
    })
}

fn introspection(token: &str) -> Value {
    let at = now().as_second();
    match token {
        "opaque-good" => json!({"active": true, "sub": "bob", "client_id": CLIENT, "exp": at + 60}),
        "opaque-other-client" => json!({"active": true, "sub": "bob", "client_id": "other", "exp": at + 60}),
        "opaque-expired" => json!({"active": true, "sub": "bob", "client_id": CLIENT, "exp": at - 120}),
        _ => json!({"active": false}),
    }
}

/// A code is `code`, once, with the verifier of the challenge.
fn redeem(url: &str, issuer: &Issuer, state: &State, form: &http_kit::Query) -> (u16, Value) {
    use base64::Engine as _;
    let verifier = form.get("code_verifier").unwrap_or_default();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    if form.get("code") != Some("code") || challenge != state.challenge || form.get("client_id") != Some(CLIENT) {
        return (400, json!({"error": "invalid_grant"}));
    }
    let at = now().as_second();
    let mut claims = state.claims.clone();
    let add = json!({"iss": url, "aud": CLIENT, "exp": at + 300, "iat": at, "nonce": state.nonce});
    claims.as_object_mut().unwrap().extend(add.as_object().unwrap().clone());
    (200, json!({"id_token": issuer.sign(&claims), "access_token": "access", "token_type": "Bearer"}))
}
