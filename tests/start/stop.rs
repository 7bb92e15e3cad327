//! Stopping with connections open that would go on for hours: an upload, a tunnel, a console. It ends within its deadline.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::cloud::{Place, Serving};

/// What systemd waits for before it kills; and some of what a busy machine takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// Sends a request and leaves the connection open.
fn send(serving: &Serving, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(serving.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "{head}\r\nHost: box\r\n\r\n{body}").unwrap();
    stream
}

/// The head and the body of the answer to a request with a JSON body.
fn answer(serving: &Serving, head: &str, body: &str) -> (String, String) {
    let length = format!("Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    let mut text = String::new();
    send(serving, &format!("{head}\r\n{length}"), body).read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn token(place: &Place, serving: &Serving) -> String {
    let clouds = std::fs::read_to_string(place.data().join("clouds.yaml")).unwrap();
    let password = clouds.lines().find_map(|line| line.trim().strip_prefix("password:")).unwrap();
    let body = serde_json::json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "admin", "domain": {"id": "default"}, "password": password.trim().trim_matches(['"', '\'']),
        }}},
        "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
    }});
    let (head, _) = answer(serving, "POST /identity/v3/auth/tokens HTTP/1.1", &body.to_string());
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("x-subject-token:")).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

/// The status of the image with this id.
fn status(serving: &Serving, token: &str, id: &str) -> String {
    let (_, body) = answer(serving, &format!("GET /image/v2/images/{id} HTTP/1.1\r\nX-Auth-Token: {token}"), "");
    serde_json::from_str::<serde_json::Value>(&body).unwrap()["status"].as_str().unwrap().to_owned()
}

/// A client that stays, until its first line of output.
fn stays(place: &Place, words: &[&str]) -> Child {
    let mut command = place.cloudbox(words);
    command.arg("--data-dir").arg(place.data());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "{words:?} ends");
    child
}

fn ends(mut child: Child) -> bool {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    false
}

#[test]
fn an_upload_and_a_tunnel_do_not_hold_it_up() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let serving = place.start();
    let token = token(&place, &serving);
    let image = r#"{"name": "half", "disk_format": "raw", "container_format": "bare"}"#;
    let (_, body) = answer(&serving, &format!("POST /image/v2/images HTTP/1.1\r\nX-Auth-Token: {token}"), image);
    let id = serde_json::from_str::<serde_json::Value>(&body).unwrap()["id"].as_str().unwrap().to_owned();
    let head = format!(
        "PUT /image/v2/images/{id}/file HTTP/1.1\r\nX-Auth-Token: {token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000000"
    );
    let _upload = send(&serving, &head, &"x".repeat(100_000));
    let began = Instant::now();
    while status(&serving, &token, &id) != "saving" {
        assert!(began.elapsed() < DEADLINE, "the upload did not begin");
    }
    let disk = place.0.path().join("disk.raw");
    std::fs::write(&disk, vec![0; 1 << 20]).unwrap();
    let disk = disk.display().to_string();
    let words = ["vm", "create", "web", "--image", &disk, "--network", "default", "--key", "none", "--wait"];
    let made = place.client(&words);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // A fake guest greets at its port, and then says nothing.
    let tunnel = stays(&place, &["vm", "tunnel", "web", "22"]);

    let began = Instant::now();
    assert_eq!(serving.stop(), 0);
    assert!(began.elapsed() < DEADLINE, "it took {:?}", began.elapsed());
    assert!(ends(tunnel));
    let serving = place.start();
    let status = status(&serving, &token, &id);
    assert!(["queued", "killed"].contains(&status.as_str()), "an image of which a part came is {status}");
    assert_eq!(serving.stop(), 0);
}
