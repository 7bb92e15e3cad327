//! The client against a little cloud: a Keystone that knows one password, a list in two pages, an upload.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::cli::credentials::{Proof, Scope};
use crate::cli::problem::Kind;

type Answered = std::result::Result<Response<Full<Bytes>>, Infallible>;
/// What the cloud was asked: method, path and query, the body's length.
type Asked = Arc<Mutex<Vec<(String, usize)>>>;

struct Cloud {
    url: String,
    asked: Asked,
    _tasks: JoinSet<()>,
}

impl Cloud {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, base) = (Asked::default(), url.clone());
        let mut tasks = JoinSet::new();
        let seen = Arc::clone(&asked);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (base, seen) = (base.clone(), Arc::clone(&seen));
                let service = service_fn(move |request| answer(base.clone(), Arc::clone(&seen), request));
                let http = hyper::server::conn::http1::Builder::new();
                connections.spawn(async move { drop(http.serve_connection(TokioIo::new(stream), service).await) });
            }
        });
        Self { url, asked, _tasks: tasks }
    }

    fn client(&self, password: &str) -> Client {
        Client::new(Credentials::of_ann(&format!("{}/identity", self.url), password))
    }

    fn asked(&self) -> Vec<(String, usize)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(base: String, asked: Asked, request: Request<Incoming>) -> Answered {
    let what = format!("{} {}", request.method(), request.uri());
    let token = request.headers().get("X-Auth-Token").and_then(|token| token.to_str().ok()).map(str::to_owned);
    let version = request.headers().get("OpenStack-API-Version").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    asked.lock().unwrap().push((what.clone(), body.len()));
    let (status, body) = match what.as_str() {
        "POST /identity/v3/auth/tokens" => log_in(&base, &serde_json::from_slice(&body).unwrap()),
        "GET /identity/v3/auth/tokens" if token.as_deref() == Some("gAAA") => (200, token_of(&base)),
        _ if token.as_deref() != Some("gAAA") => (401, json!({"error": {"message": "Log in."}})),
        "GET /compute/v2.1/servers" if version.as_deref() == Some("compute 2.84") => {
            let next = json!([{"rel": "next", "href": "http://elsewhere.invalid/v2.1/servers?marker=1"}]);
            (200, json!({"servers": [{"id": "1"}], "servers_links": next}))
        }
        "GET /compute/v2.1/servers?marker=1" => (200, json!({"servers": [{"id": "2"}]})),
        "GET /compute/v2.1/" => (200, json!({"version": {"id": "v2.1", "min_version": "2.1", "version": "2.60"}})),
        "GET /compute/v2.1/old" if version.as_deref() == Some("compute 2.60") => (200, json!({"olds": []})),
        "GET /compute/v2.1/old" | "PUT /compute/v2.1/servers/7/tags/x" => {
            (406, json!({"computeFault": {"message": "Version is not supported by the API.", "code": 406}}))
        }
        "PUT /image/v2/images/1/file" => (204, Value::Null),
        "GET /compute/v2.1/secret" => (403, json!({"forbidden": {"message": "Policy doesn't allow it.", "code": 403}})),
        "GET /compute/v2.1/broken" => (500, json!({"computeFault": {"message": "Unexpected.", "code": 500}})),
        _ => (404, json!({"itemNotFound": {"message": "Nothing here.", "code": 404}})),
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response =
        Response::builder().status(status).header("X-Subject-Token", "gAAA").header("X-Openstack-Request-Id", "req-7");
    Ok(response.body(Full::from(body)).unwrap())
}

fn log_in(base: &str, body: &Value) -> (u16, Value) {
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": "ann", "domain": {"id": "default"}, "password": "right"}}},
        "scope": {"project": {"name": "shop", "domain": {"id": "default"}}},
    }});
    if *body != expected {
        return (401, json!({"error": {"message": "The request you have made requires authentication."}}));
    }
    (201, token_of(base))
}

fn token_of(base: &str) -> Value {
    let service = |kind: &str, path: &str| {
        let endpoint = json!({"interface": "public", "region_id": "RegionOne", "url": format!("{base}{path}")});
        json!({"type": kind, "endpoints": [endpoint]})
    };
    let catalog = json!([service("compute", "/compute/v2.1"), service("image", "/image")]);
    let end = "2999-01-01T00:00:00.000000Z";
    json!({"token": {"user": {"id": "u1"}, "project": {"id": "p1"}, "expires_at": end, "catalog": catalog}})
}

#[tokio::test]
async fn one_token_is_enough_and_a_list_is_read_to_its_end() {
    let cloud = Cloud::start().await;
    let client = cloud.client("right");
    let servers = client.list(Service::Compute, "/servers", "servers").await.unwrap();
    assert_eq!(servers, [json!({"id": "1"}), json!({"id": "2"})]);
    assert_eq!(client.project_id().await.unwrap().as_deref(), Some("p1"));
    let asked: Vec<String> = cloud.asked().into_iter().map(|(what, _)| what).collect();
    let expected = ["POST /identity/v3/auth/tokens", "GET /compute/v2.1/servers", "GET /compute/v2.1/servers?marker=1"];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_kept_login_spares_the_next_command_a_request() {
    let (cloud, dir) = (Cloud::start().await, tempfile::tempdir().unwrap());
    let command = || {
        let kept = TokenCache::in_dir(dir.path(), cloud.client("right").credentials());
        cloud.client("right").keeping(Some(kept))
    };
    command().get(Service::Compute, "/servers").await.unwrap();
    assert_eq!(cloud.asked().len(), 2);
    command().get(Service::Compute, "/servers").await.unwrap();
    assert_eq!(cloud.asked().len(), 3);
    // The cloud has ended it.
    let kept = TokenCache::in_dir(dir.path(), command().credentials());
    kept.write(&Login { token: "old".to_owned(), ..kept.read().unwrap() });
    command().get(Service::Compute, "/servers").await.unwrap();
    let asked: Vec<String> = cloud.asked().into_iter().skip(3).map(|(what, _)| what).collect();
    assert_eq!(asked, ["GET /compute/v2.1/servers", "POST /identity/v3/auth/tokens", "GET /compute/v2.1/servers"]);
    assert_eq!(kept.read().unwrap().token, "gAAA");
}

#[tokio::test]
async fn an_old_cloud_is_asked_once_what_it_has() {
    let (cloud, dir) = (Cloud::start().await, tempfile::tempdir().unwrap());
    let kept = || TokenCache::in_dir(dir.path(), cloud.client("right").credentials());
    let command = || cloud.client("right").keeping(Some(kept()));
    let asked = |from: usize| cloud.asked().into_iter().skip(from).map(|(what, _)| what).collect::<Vec<_>>();
    command().list(Service::Compute, "/old", "olds").await.unwrap();
    assert_eq!(asked(1), ["GET /compute/v2.1/old", "GET /compute/v2.1/", "GET /compute/v2.1/old"]);
    command().list(Service::Compute, "/old", "olds").await.unwrap();
    assert_eq!(asked(4), ["GET /compute/v2.1/old"]);
    // 2.60 has tags; the next needs more, and is not even asked for.
    let lock = json!({"lock": {"locked_reason": "audit"}});
    let problem = command().post(Service::Compute, "/servers/7/action", &lock).await.unwrap_err();
    assert_eq!(problem.hint.as_deref(), Some("it has the versions from 2.1 to 2.60"), "{problem}");
    assert_eq!(asked(5).len(), 0);
    // What it refuses although it has it is told as it says it.
    let problem = command().put(Service::Compute, "/servers/7/tags/x", &Value::Null).await.unwrap_err();
    assert_eq!(problem.text, "Version is not supported by the API.");
}

#[tokio::test]
async fn a_token_of_ones_own_is_used_as_it_is() {
    let cloud = Cloud::start().await;
    let with = |token: &str, scope: Scope| {
        let own = Credentials::of_ann(&format!("{}/identity", cloud.url), "");
        Client::new(Credentials { proofs: vec![Proof::Token(token.to_owned())], scope, ..own })
    };
    with("gAAA", Scope::Unscoped).get(Service::Compute, "/servers").await.unwrap();
    let asked: Vec<String> = cloud.asked().into_iter().map(|(what, _)| what).collect();
    assert_eq!(asked, ["GET /identity/v3/auth/tokens", "GET /compute/v2.1/servers"]);
    let problem = with("old", Scope::Unscoped).get(Service::Compute, "/servers").await.unwrap_err();
    assert!(problem.text.contains("does not accept this token: it has ended"), "{problem}");
}

#[tokio::test]
async fn the_tokens_own_ids_go_into_a_path() {
    let cloud = Cloud::start().await;
    let problem = cloud.client("right").get(Service::Compute, "/users/{user_id}/of/{project_id}").await.unwrap_err();
    assert_eq!(problem.kind, Kind::NotFound);
    assert_eq!(cloud.asked().last().unwrap().0, "GET /compute/v2.1/users/u1/of/p1");
}

#[tokio::test]
async fn a_file_is_uploaded_with_its_length() {
    let cloud = Cloud::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![7; 3 << 20]).unwrap();
    cloud.client("right").upload(Service::Image, "/images/1/file", file.path(), |_| {}).await.unwrap();
    assert_eq!(cloud.asked().last().unwrap(), &("PUT /image/v2/images/1/file".to_owned(), 3 << 20));
}

#[tokio::test]
async fn a_refusal_has_its_kind_and_its_reason() {
    let cloud = Cloud::start().await;
    let client = cloud.client("right");
    let problem = async |path: &str| client.get(Service::Compute, path).await.unwrap_err();
    let missing = problem("/servers/9").await;
    assert_eq!((missing.kind, missing.text.as_str()), (Kind::NotFound, "Nothing here."));
    assert_eq!(problem("/secret").await.kind, Kind::NotAllowed);
    let broken = problem("/broken").await;
    assert_eq!((broken.kind, broken.text.as_str()), (Kind::Failed, "Unexpected."));
    assert_eq!(broken.hint.unwrap(), "the log of `cloudbox serve` says more about req-7");
    let unknown = client.get(Service::Volume, "/volumes").await.unwrap_err();
    assert_eq!(unknown.text, "the cloud's catalog has no public endpoint of block-storage in the region RegionOne");
}

#[tokio::test]
async fn a_wrong_password_is_said_to_be_one() {
    let cloud = Cloud::start().await;
    let problem = cloud.client("wrong").get(Service::Compute, "/servers").await.unwrap_err();
    assert_eq!(problem.kind, Kind::NotAllowed);
    assert!(problem.text.ends_with("/identity/v3 does not accept this user, password or project"), "{problem}");
}

#[tokio::test]
async fn a_cloud_that_is_not_there_is_said_to_be_so() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let client = Client::new(Credentials::of_ann(&format!("http://127.0.0.1:{port}/v3"), "right"));
    let problem = client.get(Service::Compute, "/servers").await.unwrap_err();
    assert_eq!(problem.text, format!("nobody listens at 127.0.0.1:{port}"));
    assert!(problem.hint.unwrap().starts_with("is `cloudbox serve` running?"));
    let client = Client::new(Credentials::of_ann("ftp://cloud.example/v3", "right"));
    assert!(client.get(Service::Compute, "/servers").await.unwrap_err().text.contains("is not a URL of a cloud"));
    // What answers is no TLS.
    let cloud = Cloud::start().await;
    let mut secure = Credentials::of_ann(&cloud.url.replace("http://", "https://"), "right");
    secure.trust.insecure = true;
    let problem = Client::new(secure).get(Service::Compute, "/servers").await.unwrap_err();
    assert_eq!(problem.hint.as_deref(), Some("does it speak http, not https?"), "{problem}");
}

#[test]
fn what_is_escaped_is_one_segment() {
    assert_eq!(escape("a b/c?d&e~ü"), "a%20b%2Fc%3Fd%26e~%C3%BC");
}
