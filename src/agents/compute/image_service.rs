//! The image service's API, over HTTP or HTTPS, for a host that does not share its files: bytes come and go as streams.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kit::Secret;
use outbound::tls::{self, TlsError};
use tokio_util::io::ReaderStream;

/// The longest silence of the service.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);
/// How long what was sent may take to be written, hashed and answered.
const ANSWER: Duration = Duration::from_secs(600);
/// How much of a file is read at once.
const CHUNK: usize = 256 * 1024;

type Body = BoxBody<Bytes, std::io::Error>;

/// Why the service could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody can be trusted.
    #[error("the cloud's certificates cannot be used")]
    Tls(#[from] TlsError),
    /// The URL is none, or the token cannot be sent.
    #[error("the request cannot be written")]
    Request(#[from] hyper::http::Error),
    /// No connection, or one that broke off.
    #[error("the image service could not be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// It took too long.
    #[error("the image service fell silent")]
    Silent,
    /// What is to be sent cannot be read.
    #[error("reading what is to be sent")]
    File(#[source] std::io::Error),
}

/// The image service, as a host reaches it.
pub(crate) struct ImageService {
    ca_file: Option<PathBuf>,
}

impl ImageService {
    /// A service that shows a certificate of the authority in `ca_file`, or of one that the system trusts. The file is read
    /// for each transfer: what takes its place is trusted from then on.
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file }
    }

    /// Asks for `url`; the answer's body is still to come.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn get(&self, url: &str, token: Option<&Secret>) -> Result<Response<Incoming>, AskError> {
        let nothing = Empty::new().map_err(|never| match never {}).boxed();
        let request = with_token(Request::get(url), token).body(nothing)?;
        let answer = tokio::time::timeout(SILENCE, self.client().await?.request(request)).await;
        Ok(answer.map_err(|_| AskError::Silent)??)
    }

    /// Sends the bytes of `file` to `url`; what the service says to them.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn put(&self, url: &str, token: Option<&Secret>, file: PathBuf) -> Result<StatusCode, AskError> {
        let file = tokio::fs::File::open(file).await.map_err(AskError::File)?;
        let length = file.metadata().await.map_err(AskError::File)?.len();
        let read = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&read);
        let bytes = ReaderStream::with_capacity(file, CHUNK).map_ok(move |chunk| {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Frame::data(chunk)
        });
        let request = with_token(Request::put(url), token)
            .header("content-type", "application/octet-stream")
            .header("content-length", length)
            .body(StreamBody::new(bytes).boxed())?;
        let client = self.client().await?;
        let mut answer = std::pin::pin!(client.request(request));
        let mut before = 0;
        loop {
            let patience = if before < length { SILENCE } else { ANSWER };
            if let Ok(answered) = tokio::time::timeout(patience, &mut answer).await {
                return Ok(answered?.status());
            }
            let now = read.load(Ordering::Relaxed);
            if now == before {
                return Err(AskError::Silent);
            }
            before = now;
        }
    }

    async fn client(&self) -> Result<Client<tls::Connector, Body>, AskError> {
        let connector = tls::connector(self.ca_file.clone()).await?;
        Ok(Client::builder(TokioExecutor::new()).build(connector))
    }
}

fn with_token(request: hyper::http::request::Builder, token: Option<&Secret>) -> hyper::http::request::Builder {
    match token {
        Some(token) => request.header("x-auth-token", token.expose()),
        None => request,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A service with a certificate for 127.0.0.1 of an authority of its own, whose certificate is written to `ca_file`. It
    /// answers each request, the bytes of which end with `end`, and tells what it got.
    async fn serve(ca_file: &std::path::Path, end: &'static [u8]) -> (String, flume::Receiver<Vec<u8>>) {
        let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(ca_file, authority.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/image/v2/images/x/file", listener.local_addr().unwrap());
        let (told, heard) = flume::bounded(8);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust it goes away during the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let (mut request, mut buffer) = (Vec::new(), vec![0; 65536]);
                while !request.ends_with(end) {
                    let length = stream.read(&mut buffer).await.unwrap();
                    assert_ne!(length, 0, "it ended early");
                    request.extend_from_slice(&buffer[..length]);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nbytes").await.unwrap();
                stream.shutdown().await.unwrap();
                told.send_async(request).await.unwrap();
            }
        });
        (url, heard)
    }

    #[tokio::test]
    async fn bytes_come_over_tls_from_a_service_with_a_certificate_of_the_clouds_authority() {
        let dir = tempfile::tempdir().unwrap();
        let ca_file = dir.path().join("ca.pem");
        let (url, heard) = serve(&ca_file, b"\r\n\r\n").await;
        let answer = ImageService::new(Some(ca_file)).get(&url, Some(&Secret::new("tok"))).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "bytes");
        let request = String::from_utf8(heard.recv_async().await.unwrap()).unwrap().to_lowercase();
        assert!(
            request.starts_with("get /image/v2/images/x/file") && request.contains("x-auth-token: tok"),
            "{request}"
        );
        let strange = ImageService::new(None).get(&url, None).await.unwrap_err();
        assert!(matches!(strange, AskError::Unreachable(_)), "{strange:?}");
        assert!(heard.is_empty(), "nothing was said to a stranger");
    }

    #[tokio::test]
    async fn bytes_go_over_tls_as_a_stream() {
        let dir = tempfile::tempdir().unwrap();
        let (ca_file, file) = (dir.path().join("ca.pem"), dir.path().join("file"));
        let mut bytes = vec![7; 3 << 20];
        bytes.extend_from_slice(b"the end");
        std::fs::write(&file, &bytes).unwrap();
        let (url, heard) = serve(&ca_file, b"the end").await;
        let service = ImageService::new(Some(ca_file));
        assert_eq!(service.put(&url, Some(&Secret::new("tok")), file).await.unwrap(), 200);
        let request = heard.recv_async().await.unwrap();
        assert!(request.ends_with(&bytes));
        let head = String::from_utf8_lossy(&request[..300]).to_lowercase();
        assert!(head.contains(&format!("content-length: {}", bytes.len())), "{head}");
        let missing = service.put(&url, None, dir.path().join("missing")).await.unwrap_err();
        assert!(matches!(missing, AskError::File(_)), "{missing:?}");
    }
}
