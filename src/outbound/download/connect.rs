//! From a URL to an answer: by a connection to a checked address, through redirects that are checked as well.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use fluent_uri::UriRef;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::answer::{Answer, Connection};
use super::{DownloadError, Downloads};
use crate::guard::Destination;

/// How many addresses of a host are tried.
const ADDRESSES: usize = 4;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What `url` answers, and where it was found. `range` is what to begin with, and of which version.
pub(super) async fn follow(
    by: &Downloads,
    url: &Uri,
    range: Option<(u64, &str)>,
) -> Result<(Uri, Answer), DownloadError> {
    let mut url = url.clone();
    for _ in 0..=by.limits.redirects {
        let (response, connection) = ask(by, &url, range).await?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok((url, Answer::new(response, connection))),
            StatusCode::RANGE_NOT_SATISFIABLE if range.is_some() => {
                return Ok((url, Answer::new(response, connection)));
            }
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => url = redirected(&url, &response)?,
            status => return Err(DownloadError::Status(status)),
        }
    }
    Err(DownloadError::Redirects(by.limits.redirects))
}

fn redirected<B>(from: &Uri, response: &Response<B>) -> Result<Uri, DownloadError> {
    const NOWHERE: DownloadError = DownloadError::Nonsense("it redirects to nowhere");
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).ok_or(NOWHERE)?;
    let base = from.to_string();
    let base = fluent_uri::Uri::parse(base.as_str()).map_err(|_| NOWHERE)?;
    let target = UriRef::parse(location).map_err(|_| NOWHERE)?.resolve_against(&base).map_err(|_| NOWHERE)?;
    target.as_str().parse().map_err(|_| NOWHERE)
}

type Answered = (Response<hyper::body::Incoming>, Connection);

async fn ask(by: &Downloads, url: &Uri, range: Option<(u64, &str)>) -> Result<Answered, DownloadError> {
    let destination = by.guard.destination(url)?;
    let stream = tokio::time::timeout(by.limits.connect, connect(by, &destination));
    let stream = stream.await.map_err(|_| unreachable("no connection in time", None))??;
    let asked = tokio::time::timeout(by.limits.stall, async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = Connection::keep(connection);
        let response = sender.send_request(request(url, &destination, range)?).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((response, connection))
    });
    let silent = |_elapsed| DownloadError::Stalled { seconds: by.limits.stall.as_secs(), received: 0 };
    asked.await.map_err(silent)?.map_err(|error| unreachable("it does not speak HTTP", Some(io::Error::other(error))))
}

fn request(
    url: &Uri,
    destination: &Destination,
    range: Option<(u64, &str)>,
) -> hyper::http::Result<Request<Empty<Bytes>>> {
    let path = url.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let host = url.authority().map_or(destination.host.as_str(), hyper::http::uri::Authority::as_str);
    let mut request = Request::get(if path.is_empty() { "/" } else { path })
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("cloudbox/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        // The bytes as they are: a range of compressed ones would be something else.
        .header(header::ACCEPT_ENCODING, "identity");
    if let Some((first, validator)) = range {
        request = request.header(header::RANGE, format!("bytes={first}-")).header(header::IF_RANGE, validator);
    }
    request.body(Empty::new())
}

fn unreachable(what: &'static str, source: Option<io::Error>) -> DownloadError {
    DownloadError::Unreachable { what, source }
}

async fn connect(by: &Downloads, destination: &Destination) -> Result<Box<dyn Stream>, DownloadError> {
    let addresses = match destination.host.parse() {
        Ok(address) => vec![SocketAddr::new(address, destination.port)],
        Err(_) => {
            let found = by.resolver.resolve(&destination.host, destination.port).await;
            found.map_err(|error| unreachable("its name is not known", Some(error)))?
        }
    };
    let stream = open(by.guard.admit(&destination.host, addresses)?).await?;
    if !destination.secure {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(destination.host.clone()).map_err(|_| unreachable("its name is no name", None))?;
    let secured = TlsConnector::from(Arc::clone(&by.tls)).connect(name, stream).await;
    Ok(Box::new(
        secured
            .map_err(|error| unreachable("its certificate is not trusted, or it does not speak TLS", Some(error)))?,
    ))
}

async fn open(addresses: Vec<SocketAddr>) -> Result<TcpStream, DownloadError> {
    let mut last = None;
    for address in addresses.into_iter().take(ADDRESSES) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(unreachable("no connection", last))
}
