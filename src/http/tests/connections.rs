//! Limits, keep-alive, disconnects and the drain, over a real socket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_kit::Limits;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;

use crate::common::{Client, Listening, limits, until};

const TOYS: &str = "/compute/v2.1/toys";

#[tokio::test]
async fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\n\r\n");
    client.say(&format!("{}{}{}", get(&format!("{TOYS}/1")), get(&format!("{TOYS}/missing")), get(TOYS))).await;
    let (head, body) = client.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(body, r#"{"toy":{"id":"1"}}"#);
    assert!(client.answer(true).await.0.starts_with("HTTP/1.1 404"));
    assert!(client.answer(true).await.1.contains("http://cloud.test/compute/v2.1"));
    server.stopped().await;
}

#[tokio::test]
async fn keystone_answers_head_from_get_without_a_body() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client.say("HEAD /identity/v3/toys/1 HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\n\r\n").await;
    let (head, _) = client.answer(false).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 18"), "{head}");
    client.say("HEAD /compute/v2.1/toys/1 HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\n\r\n").await;
    assert!(client.answer(false).await.0.starts_with("HTTP/1.1 404"));
    server.stopped().await;
}

#[tokio::test]
async fn a_large_body_is_refused_by_its_length_and_by_what_arrives() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client
        .say(&format!("POST {TOYS} HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\ncontent-length: 5000\r\n\r\n"))
        .await;
    let (head, body) = client.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 413") && head.contains("connection: close"), "{head}");
    assert_eq!(body, r#"{"overLimit": {"code": 413, "message": "Request is too large."}}"#);

    let mut client = server.connect().await;
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    client
        .say(&format!(
            "POST {TOYS} HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}"
        ))
        .await;
    assert!(client.answer(true).await.0.starts_with("HTTP/1.1 413"));
    server.stopped().await;
}

#[tokio::test]
async fn a_slow_body_and_a_slow_head_end_the_connection() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client
        .say(&format!("POST {TOYS} HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\ncontent-length: 50\r\n\r\n{{"))
        .await;
    let (head, _) = client.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 408") && head.contains("connection: close"), "{head}");
    for start in ["", "PRI * HT", "GET / HTTP/1.1\r\nhost"] {
        let mut client = server.connect().await;
        client.say(start).await;
        assert!(!client.rest().await.contains("200 OK"), "{start:?}");
    }
    server.stopped().await;
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let server = Listening::start(Limits { max_header_bytes: 8192, ..limits() }).await;
    let mut client = server.connect().await;
    let long = |length: usize| format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(length));
    client.say(&long(10_000)).await;
    let (head, _) = client.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 431") && head.contains("connection: close"), "{head}");
    let mut client = server.connect().await;
    // The server may close before all of it is written or its answer is read.
    client.0.write_all(long(1 << 20).as_bytes()).await.ok();
    assert!(!client.rest().await.contains("200 OK"));
    let mut client = server.connect().await;
    client.say(&long(7_000)).await;
    assert!(!client.answer(true).await.0.contains("431"));
    let mut client = server.connect().await;
    client.say(&format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(150))).await;
    assert!(!client.rest().await.contains("200 OK"));
    server.stopped().await;
}

#[tokio::test]
async fn a_post_goes_on_without_its_client_and_a_get_does_not() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client.send("POST", &format!("{TOYS}?wait=1"), "{}").await;
    until(|| server.toy.started.load(Ordering::SeqCst) == 1).await;
    drop(client);
    server.toy.go.notify_one();
    until(|| server.toy.finished.load(Ordering::SeqCst) == 1).await;

    let mut client = server.connect().await;
    client.send("GET", "/compute/v2.1/slow", "").await;
    until(|| server.toy.started.load(Ordering::SeqCst) == 2).await;
    drop(client);
    // The drain waits for whatever still runs: had the GET gone on, this would take the whole drain time.
    let stopped = tokio::time::timeout(Duration::from_secs(3), server.stopped());
    stopped.await.unwrap();
}

#[tokio::test]
async fn the_drain_lets_open_requests_finish_and_refuses_new_connections() {
    let server = Listening::start(Limits { header_timeout: Duration::from_secs(20), ..limits() }).await;
    let mut idle = server.connect().await;
    let mut client = server.connect().await;
    client.send("GET", "/compute/v2.1/slow", "").await;
    until(|| server.toy.started.load(Ordering::SeqCst) == 1).await;
    server.stop();
    tokio::time::timeout(Duration::from_secs(5), async {
        while tokio::net::TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(idle.rest().await, "");
    server.toy.go.notify_one();
    assert!(client.answer(true).await.0.starts_with("HTTP/1.1 200"));
    server.stopped().await;
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off() {
    let server = Listening::start(Limits { drain_timeout: Duration::from_millis(200), ..limits() }).await;
    let mut client = server.connect().await;
    client.send("GET", "/compute/v2.1/slow", "").await;
    let mut other = server.connect().await;
    other.send("POST", &format!("{TOYS}?wait=1"), "{}").await;
    until(|| server.toy.started.load(Ordering::SeqCst) == 2).await;
    let toy = std::sync::Arc::clone(&server.toy);
    server.stopped().await;
    assert_eq!(client.rest().await, "");
    // No task is left that could go on.
    assert_eq!(std::sync::Arc::strong_count(&toy), 1);
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let server =
        Listening::start(Limits { max_connections: 1, header_timeout: Duration::from_secs(20), ..limits() }).await;
    let mut first = server.connect().await;
    first.send("GET", &format!("{TOYS}/1"), "").await;
    first.answer(true).await;
    let mut second = server.connect().await;
    second.send("GET", &format!("{TOYS}/2"), "").await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(100), second.0.peek(&mut byte)).await;
    assert!(early.is_err(), "answered while the first connection is open");
    drop(first);
    assert!(second.answer(true).await.1.contains("\"2\""));
    server.stopped().await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client.send("GET", "/compute/v2.1/explode", "").await;
    let (head, body) = client.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 500") && !body.contains("boom"), "{head}{body}");
    client.send("GET", TOYS, "").await;
    assert!(client.answer(true).await.0.starts_with("HTTP/1.1 200"));
    server.stopped().await;
}

#[tokio::test]
async fn uploads_and_downloads_stream() {
    let server = Listening::start(limits()).await;
    let mut client = server.connect().await;
    client.send("PUT", &format!("{TOYS}/1/file"), &"x".repeat(100_000)).await;
    assert!(client.answer(true).await.1.contains(r#""bytes":100000"#));
    client.send("GET", &format!("{TOYS}/1/file"), "").await;
    let (head, body) = client.answer(true).await;
    assert!(head.contains("content-type: application/octet-stream"), "{head}");
    assert_eq!(body, "abcde");
    server.stopped().await;
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let server = Listening::start(limits()).await;
    let Client(stream) = server.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get(format!("http://x{TOYS}/1"))
        .header("x-auth-token", "member")
        .body(http_body_util::Empty::<http_kit::Bytes>::new())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    drop(sender);
    connection.await.unwrap().unwrap();
    server.stopped().await;
}
