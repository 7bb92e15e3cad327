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
