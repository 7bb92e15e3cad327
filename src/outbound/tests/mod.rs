//! Downloads from servers that behave, and from those that do not.

mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::server::{Script, Server};
use crate::tls;
use crate::{Download, DownloadError, Downloads, Guard, Limits, Mark, Piece, Refusal, Resolve, SystemResolver};

const MOST: u64 = 64 << 20;

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(300),
        redirects: 3,
        attempts: 2,
        pause: Duration::from_millis(1),
    }
}

async fn downloads(guard: Guard, resolver: Arc<dyn Resolve>) -> Downloads {
    Downloads::with(guard, tls::settings(None).await.unwrap(), limits(), resolver)
}

/// Loopback is allowed, as a mirror at home would be.
fn at_home() -> Guard {
    Guard { networks: vec!["127.0.0.1/32".parse().unwrap()], ..Guard::default() }
}

async fn plain() -> Downloads {
    downloads(at_home(), Arc::new(SystemResolver)).await
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|number| (number / 3) as u8).collect()
}

/// Fetches all the rest of it onto what is there.
async fn rest(download: &mut Download, file: &mut Vec<u8>) -> Result<(), DownloadError> {
    while let Some(piece) = download.next().await? {
        match piece {
            Piece::Bytes(bytes) => file.extend(bytes),
            Piece::StartOver => file.clear(),
        }
    }
    assert_eq!(download.mark().received, file.len() as u64);
    Ok(())
}

async fn fetch(url: &str) -> Result<Vec<u8>, DownloadError> {
    let mut download = plain().await.start(url, None, MOST).await?;
    let mut file = Vec::new();
    rest(&mut download, &mut file).await.map(|()| file)
}

#[tokio::test]
async fn all_of_it_comes_and_the_server_learns_little() {
    let bytes = content(3_000_000);
    let server = Server::start(Script::whole(&bytes)).await;
    assert!(fetch(&server.url("/a/b?c=d")).await.unwrap() == bytes);
    let asked = server.asked();
    assert!(asked[0].starts_with("GET /a/b?c=d HTTP/1.1\r\n"), "{asked:?}");
    let lower = asked[0].to_lowercase();
    assert!(
        lower.contains("accept-encoding: identity") && lower.contains("host: 127.0.0.1:") && !lower.contains("range:")
    );
    let server = Server::start(Script::chunked(&content(10_000))).await;
    assert!(fetch(&server.url("/")).await.unwrap() == content(10_000));
    let server = Server::start(Script::whole(&[])).await;
    assert_eq!(fetch(&server.url("/")).await.unwrap(), b"");
}

#[tokio::test]
async fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let bytes = content(2_000_000);
    let server = Server::start(Script { cut_after: vec![500_000, 70_000], ..Script::whole(&bytes) }).await;
    assert!(fetch(&server.url("/")).await.unwrap() == bytes);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].to_lowercase().contains("range: bytes=500000-") && asked[1].contains("\"one\""), "{}", asked[1]);
    assert!(asked[2].to_lowercase().contains("range: bytes=570000-"));
}

#[tokio::test]
async fn what_changed_meanwhile_or_knows_no_ranges_begins_again() {
    let bytes = content(900_000);
    for script in [
        Script { cut_after: vec![400_000], tags: vec!["\"one\"", "\"two\""], ..Script::whole(&bytes) },
        Script { cut_after: vec![400_000], ranges: false, ..Script::whole(&bytes) },
        Script { cut_after: vec![400_000], tags: vec!["W/\"weak\""], ..Script::whole(&bytes) },
    ] {
        let server = Server::start(script).await;
        assert!(fetch(&server.url("/")).await.unwrap() == bytes);
        assert_eq!(server.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_restart_carries_on_by_its_mark() {
    let bytes = content(1_000_000);
    let server = Server::start(Script::whole(&bytes)).await;
    let mut file = bytes[..300_000].to_vec();
    let mark = Mark { received: 300_000, validator: Some("\"one\"".into()), total: Some(1_000_000) };
    let kept = serde_json::to_string(&mark).unwrap();
    let mark: Mark = serde_json::from_str(&kept).unwrap();
    let mut download = plain().await.start(&server.url("/"), Some(mark.clone()), MOST).await.unwrap();
    rest(&mut download, &mut file).await.unwrap();
    assert!(file == bytes);
    // It was complete already.
    let done = Mark { received: 1_000_000, ..mark.clone() };
    let mut download = plain().await.start(&server.url("/"), Some(done), MOST).await.unwrap();
    assert_eq!(download.next().await.unwrap(), None);
    // What is there is of another version, or of nobody knows which: the caller is told to drop it.
    for validator in [Some("\"zero\"".to_owned()), None] {
        let old = Mark { validator, ..mark.clone() };
        let mut download = plain().await.start(&server.url("/"), Some(old), MOST).await.unwrap();
        assert_eq!(download.next().await.unwrap(), Some(Piece::StartOver));
        let mut file = b"old".to_vec();
        file.clear();
        rest(&mut download, &mut file).await.unwrap();
        assert!(file == bytes);
    }
}

#[tokio::test]
async fn liars_are_left_after_a_few_attempts() {
    let bytes = content(100_000);
    let server = Server::start(Script { claimed: Some(200_000), ..Script::whole(&bytes) }).await;
    let error = fetch(&server.url("/")).await.unwrap_err();
    assert!(
        matches!(error, DownloadError::CutOff { received: 100_000, total: Some(200_000) } | DownloadError::Nonsense(_)),
        "{error}"
    );
    assert!(server.asked().len() <= 3);
    // Cut off for ever, without ever getting further.
    let server = Server::start(Script { cut_after: vec![10; 50], ..Script::whole(&bytes) }).await;
    let error = fetch(&server.url("/")).await.unwrap_err();
    assert_eq!(error.to_string(), "the server broke off after 30 of 100000 bytes");
    assert_eq!(server.asked().len(), 3);
    // The rest of something else.
    let server = Server::start(Script { cut_after: vec![10], wrong_range: true, ..Script::whole(&bytes) }).await;
    assert!(matches!(fetch(&server.url("/")).await, Err(DownloadError::Nonsense(_))));
}

#[tokio::test]
async fn silence_and_trickles_are_left() {
    let bytes = content(100_000);
    for script in [
        Script { silent_after: Some(0), ..Script::whole(&bytes) },
        Script { silent_after: Some(10_000), ..Script::whole(&bytes) },
        Script { trickle: true, ..Script::whole(&bytes) },
        Script { mute: true, ..Script::whole(&bytes) },
    ] {
        let server = Server::start(script).await;
        let ended = tokio::time::timeout(Duration::from_secs(20), fetch(&server.url("/"))).await.expect("it hangs");
        let error = ended.map(|bytes| bytes.len()).unwrap_err();
        assert!(matches!(error, DownloadError::Stalled { .. }), "{error}");
    }
}

#[tokio::test]
async fn too_large_is_known_from_the_head_and_from_the_bytes() {
    let bytes = content(200_000);
    let start = |url: String| async move { plain().await.start(&url, None, 100_000).await };
    let honest = Server::start(Script::whole(&bytes)).await;
    assert!(matches!(start(honest.url("/")).await, Err(DownloadError::TooLarge(100_000))));
    let vague = Server::start(Script::chunked(&bytes)).await;
    let mut download = start(vague.url("/")).await.unwrap();
    let mut file = Vec::new();
    assert!(matches!(rest(&mut download, &mut file).await, Err(DownloadError::TooLarge(100_000))));
    assert!(file.len() <= 100_000);
}

#[tokio::test]
async fn errors_are_told_with_their_code() {
    for (status, passing) in
        [("404 Not Found", false), ("403 Forbidden", false), ("503 Busy", true), ("204 No Content", false)]
    {
        let server = Server::start(Script::status(status)).await;
        let error = fetch(&server.url("/")).await.unwrap_err();
        assert!(matches!(&error, DownloadError::Status(code) if status.starts_with(code.as_str())), "{error}");
        assert_eq!(error.is_passing(), passing);
    }
    let refused = fetch("http://127.0.0.1:1/").await.unwrap_err();
    assert!(matches!(refused, DownloadError::Unreachable { .. }) && refused.is_passing());
    let server = Server::start(Script { garbage: true, ..Script::whole(b"x") }).await;
    assert!(matches!(fetch(&server.url("/")).await, Err(DownloadError::Unreachable { .. })));
    assert!(matches!(fetch("nonsense").await, Err(DownloadError::Refused(Refusal::NotAUrl))));
}

#[tokio::test]
async fn redirects_are_followed_checked_and_counted() {
    let bytes = content(1000);
    let target = Server::start(Script::whole(&bytes)).await;
    let relative =
        Server::start(Script { redirects: vec!["b?x=1".into(), "/c".into()], ..Script::whole(&bytes) }).await;
    assert!(fetch(&relative.url("/dir/a")).await.unwrap() == bytes);
    let asked = relative.asked();
    assert!(asked[1].starts_with("GET /dir/b?x=1 ") && asked[2].starts_with("GET /c "), "{asked:?}");
    let across = Server::start(Script { redirects: vec![target.url("/there")], ..Script::whole(b"") }).await;
    assert!(fetch(&across.url("/")).await.unwrap() == bytes);
    let endless = Server::start(Script { redirects: vec!["/again".into(); 9], ..Script::whole(b"") }).await;
    assert!(matches!(fetch(&endless.url("/")).await, Err(DownloadError::Redirects(3))));
    for (to, refusal) in [
        ("http://169.254.169.254/latest/meta-data", Refusal::Address("169.254.169.254".into())),
        ("http://[::ffff:169.254.169.254]/", Refusal::Address("::ffff:169.254.169.254".into())),
        ("http://127.0.0.2:22/", Refusal::Address("127.0.0.2".into())),
        ("file:///etc/passwd", Refusal::Scheme("file".into())),
        ("ftp://127.0.0.1/", Refusal::Scheme("ftp".into())),
    ] {
        let server = Server::start(Script { redirects: vec![to.into()], ..Script::whole(b"") }).await;
        match fetch(&server.url("/")).await {
            Err(DownloadError::Refused(found)) => assert_eq!(found, refusal),
            // What has no host at all is no URL for us.
            other => assert!(to.starts_with("file:") && other.is_err(), "{to}: {other:?}"),
        }
    }
    let nowhere = Server::start(Script { redirects: vec!["http://[".into()], ..Script::whole(b"") }).await;
    assert!(matches!(fetch(&nowhere.url("/")).await, Err(DownloadError::Nonsense(_))));
}

#[tokio::test]
async fn an_expired_place_is_looked_up_again() {
    let bytes = content(600_000);
    let mirror =
        Server::start(Script { cut_after: vec![100_000], then_status: Some("403 Forbidden"), ..Script::whole(&bytes) })
            .await;
    let other = Server::start(Script::whole(&bytes)).await;
    let redirects = vec![mirror.url("/signed"), other.url("/signed-anew")];
    let origin = Server::start(Script { redirect_each: true, redirects, ..Script::whole(b"") }).await;
    assert!(fetch(&origin.url("/")).await.unwrap() == bytes);
    assert_eq!((mirror.asked().len(), other.asked().len()), (2, 1));
    assert!(other.asked()[0].to_lowercase().contains("range: bytes=100000-"));
}

/// Says something else each time that it is asked.
struct Rebinding(AtomicUsize, Vec<Vec<SocketAddr>>);

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>> {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(self.1[turn.min(self.1.len() - 1)].clone())))
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_must_not_lead_inside() {
    let bytes = content(1000);
    let server = Server::start(Script::whole(&bytes)).await;
    let inside: SocketAddr = format!("127.0.0.2:{}", server.address.port()).parse().unwrap();
    // First harmless, then not: only the first answer counts.
    let names = Arc::new(Rebinding(AtomicUsize::new(0), vec![vec![server.address], vec![inside]]));
    let by = downloads(at_home(), names.clone()).await;
    let url = format!("http://mirror.example:{}/", server.address.port());
    let mut download = by.start(&url, None, MOST).await.unwrap();
    let mut file = Vec::new();
    rest(&mut download, &mut file).await.unwrap();
    assert!(file == bytes && names.0.load(Ordering::SeqCst) == 1);
    // The next one is refused, and what it meant is not told.
    let error = by.start(&url, None, MOST).await.err().unwrap();
    assert_eq!(error.to_string(), "it may not be fetched: the address of host mirror.example is not allowed");
    assert!(!kit::Fault::from(error).message().contains("127.0.0"));
    // Without leave, loopback is refused by any name.
    let strict = downloads(Guard::default(), Arc::new(SystemResolver)).await;
    for name in ["localhost", "127.1", "2130706433", "0x7f.1"] {
        let url = format!("http://{name}:{}/", server.address.port());
        let refused = strict.start(&url, None, MOST).await.err().unwrap();
        assert!(matches!(refused, DownloadError::Refused(_) | DownloadError::Unreachable { .. }), "{name}: {refused}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_is_refused() {
    let server = Server::start(Script::whole(b"x")).await;
    let url = format!("https://127.0.0.1:{}/", server.address.port());
    let error = fetch(&url).await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

/// A server that speaks TLS with a certificate of its own making, and the file that it is trusted by.
async fn secure(bytes: &'static [u8], directory: &std::path::Path) -> (SocketAddr, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["mirror.example".to_owned()]).unwrap();
    let file = directory.join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust it goes away in the middle of it.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (address, file)
}

#[tokio::test]
async fn a_certificate_is_checked_for_the_name_and_not_the_address() {
    let directory = tempfile::tempdir().unwrap();
    let (address, file) = secure(b"secret", directory.path()).await;
    let names = Arc::new(Rebinding(AtomicUsize::new(0), vec![vec![address]]));
    let trusting = tls::settings(Some(file)).await.unwrap();
    let by = Downloads::with(at_home(), trusting, limits(), names.clone());
    let url = |name: &str| format!("https://{name}:{}/", address.port());
    let mut download = by.start(&url("mirror.example"), None, MOST).await.unwrap();
    let mut bytes = Vec::new();
    rest(&mut download, &mut bytes).await.unwrap();
    assert_eq!(bytes, b"secret");
    let distrusting = downloads(at_home(), names).await;
    for (by, name) in [(&by, "other.example"), (&distrusting, "mirror.example")] {
        let error = by.start(&url(name), None, MOST).await.err().unwrap();
        assert!(error.to_string().contains("its certificate is not trusted"), "{error}");
    }
    assert!(tls::settings(Some(directory.path().join("none"))).await.is_err());
}

#[test]
fn faults_say_whose_turn_it_is() {
    for (error, kind) in [
        (DownloadError::TooLarge(1), kit::FaultKind::PayloadTooLarge),
        (DownloadError::Status(StatusCode::NOT_FOUND), kit::FaultKind::BadRequest),
        (DownloadError::Status(StatusCode::BAD_GATEWAY), kit::FaultKind::Unavailable),
        (DownloadError::Refused(Refusal::NotAUrl), kit::FaultKind::BadRequest),
    ] {
        assert_eq!(kit::Fault::from(error).kind(), kind);
    }
}
