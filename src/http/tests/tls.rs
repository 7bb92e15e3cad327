//! TLS in front of it: which protocols are agreed on, and what becomes of those who do not shake hands.

use std::sync::Arc;
use std::time::Duration;

use http_kit::{Limits, Tls};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::common::{Listening, limits};

const TOYS: &str = "/compute/v2.1/toys";

struct Secure {
    server: Listening,
    certificate: CertificateDer<'static>,
}

impl Secure {
    async fn start(limits: Limits, most_handshakes: usize, time: Duration) -> Self {
        let made = rcgen::generate_simple_self_signed(["cloud.test".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let tls = Arc::new(Tls::new(config, most_handshakes, time));
        Self { server: Listening::start_with(limits, Some(tls)).await, certificate }
    }

    async fn usual() -> Self {
        Self::start(limits(), 8, Duration::from_secs(5)).await
    }

    async fn connect(
        &self,
        version: &'static SupportedProtocolVersion,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.server.address).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("cloud.test").unwrap(), stream).await
    }
}

fn request(version: &str) -> hyper::Request<http_body_util::Empty<http_kit::Bytes>> {
    let uri = if version == "h2" { format!("https://cloud.test{TOYS}/1") } else { format!("{TOYS}/1") };
    let request = hyper::Request::get(uri).header("host", "cloud.test").header("x-auth-token", "member");
    request.body(http_body_util::Empty::new()).unwrap()
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http_are_spoken() {
    let secure = Secure::usual().await;
    for version in [&TLS12, &TLS13] {
        for (offered, agreed) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1"), (&[], "")] {
            let stream = secure.connect(version, offered).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol().unwrap_or_default(), agreed.as_bytes());
            let io = TokioIo::new(stream);
            let status = if agreed == "h2" {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request("h2")).await.unwrap().status()
            } else {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request("http/1.1")).await.unwrap().status()
            };
            assert_eq!(status, 200);
        }
    }
    assert!(secure.connect(&TLS13, &["imap"]).await.is_err(), "what is not spoken is not agreed on");
    secure.server.stopped().await;
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_to_use_https() {
    let secure = Secure::usual().await;
    let mut plain = secure.server.connect().await;
    plain.send("POST", TOYS, "{}").await;
    let (head, body) = plain.answer(true).await;
    assert!(head.starts_with("HTTP/1.1 400 ") && head.contains("Connection: close"), "{head}");
    assert_eq!(body, "This port speaks https, not http: use https://x/\n");
    secure.server.stopped().await;
}

#[tokio::test]
async fn handshakes_that_do_not_end_hold_nobody_up_for_long() {
    let time = Duration::from_millis(300);
    let secure = Secure::start(Limits { header_timeout: Duration::from_secs(20), ..limits() }, 1, time).await;
    let mut stuck = Vec::new();
    // One takes the only turn, one says nothing at all.
    for start in ["\x16\x03\x01", ""] {
        let mut client = secure.server.connect().await;
        client.say(start).await;
        stuck.push(client);
    }
    for client in &mut stuck {
        assert_eq!(client.rest().await, "");
    }
    secure.connect(&TLS13, &[]).await.unwrap();
    let mut late = secure.server.connect().await;
    late.say("\x16\x03").await;
    // It does not keep the server from stopping.
    secure.server.stopped().await;
    assert_eq!(late.rest().await, "");
}

#[tokio::test]
async fn limits_can_be_changed_while_it_runs() {
    let server =
        Listening::start(Limits { max_connections: 1, header_timeout: Duration::from_secs(20), ..limits() }).await;
    let mut first = server.connect().await;
    first.send("GET", &format!("{TOYS}/1"), "").await;
    first.answer(true).await;
    let mut second = server.connect().await;
    second.send("GET", &format!("{TOYS}/2"), "").await;
    server.app.set_limits(Limits { max_connections: 2, max_body_bytes: 1, ..limits() });
    assert!(second.answer(true).await.1.contains("\"2\""));
    first.send("POST", TOYS, "{}").await;
    assert!(first.answer(true).await.0.starts_with("HTTP/1.1 413"));
    drop((first, second));
    // There is one turn again.
    server.app.set_limits(Limits { max_connections: 1, ..limits() });
    let mut third = server.connect().await;
    third.send("GET", &format!("{TOYS}/3"), "").await;
    assert!(third.answer(true).await.1.contains("\"3\""));
    server.stopped().await;
}
