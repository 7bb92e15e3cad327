//! The metadata service's listeners: 169.254.169.254:80 in each network's DHCP namespace.
//!
//! Who asks is the port that has the request's source address on the network where it came in; what a guest writes into
//! its headers (`X-Forwarded-For`, `X-Instance-ID`, …) is not looked at. A guest can neither hold many
//! connections nor large ones. What is answered is the [`MetadataHandler`]'s business.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kit::ids::{NetworkId, PortId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::dhcp::config::METADATA;
use super::netns;
use crate::drivers::desired::Desired;
use crate::drivers::driver::{DriverError, DriverResult, MetadataHandler, MetadataRequest};

/// Connections of one network at once.
const MAX_CONNECTIONS: usize = 64;
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The largest body, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// How long a guest has to send a request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long one connection may last.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);
/// How long an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// Who has which address: what the driver knows, for the listeners to read.
#[derive(Debug, Default)]
pub struct Directory(RwLock<BTreeMap<(NetworkId, IpAddr), (PortId, String)>>);

impl Directory {
    /// Replaces all by what `desired` says.
    pub fn replace(&self, desired: &Desired) {
        let ports = desired.ports.values();
        let entries = ports.flat_map(|port| {
            let owner = (port.id.clone(), port.device_id.clone());
            port.fixed_ips.iter().map(move |ip| ((port.network_id.clone(), ip.ip_address), owner.clone()))
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = entries.collect();
    }

    fn find(&self, network: &NetworkId, source: IpAddr) -> Option<(PortId, String)> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&(network.clone(), source)).cloned()
    }
}

/// A network's listener, with its task.
#[derive(Debug)]
pub struct Listener {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Listener {
    /// Opens it in the network's namespace.
    pub async fn open(
        network: NetworkId,
        namespace: &str,
        directory: Arc<Directory>,
        handler: MetadataHandler,
    ) -> DriverResult<Self> {
        let doing = format!("opening the metadata service of network {network}");
        let bind = || {
            let socket = std::net::TcpListener::bind(format!("{METADATA}:80"))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let socket = netns::within(namespace, bind).await?.and_then(TcpListener::from_std);
        let socket = socket.map_err(|error| DriverError::io(doing, error))?;
        let cancel = CancellationToken::new();
        let serve = Serve { network, directory, handler, cancel: cancel.clone() };
        Ok(Self { cancel, task: tokio::spawn(serve.run(socket)) })
    }

    /// Whether it still listens.
    pub fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// Closes it, connections under way included.
    pub async fn close(self) {
        self.cancel.cancel();
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "a metadata listener ended badly");
        }
    }
}

#[derive(Clone)]
struct Serve {
    network: NetworkId,
    directory: Arc<Directory>,
    handler: MetadataHandler,
    cancel: CancellationToken,
}

impl Serve {
    async fn run(self, socket: TcpListener) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            // A place before accept: what is too much waits in the kernel's queue.
            let place = tokio::select! {
                () = self.cancel.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let accepted = tokio::select! {
                () = self.cancel.cancelled() => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serve = self.clone();
                    connections.spawn(async move {
                        let _place = place;
                        serve.connection(stream, peer).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, network_id = %self.network, "accepting a metadata connection");
                    // Out of descriptors, most likely: time for others to close theirs.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        connections.shutdown().await;
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let service = service_fn(|request| self.answer(request, peer.ip()));
        let serving = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        match tokio::time::timeout(CONNECTION_DEADLINE, serving).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => tracing::debug!(%error, network_id = %self.network, "a metadata connection broke"),
        }
    }

    async fn answer(&self, request: Request<Incoming>, source: IpAddr) -> Result<Response<Full<Bytes>>, Infallible> {
        let Some((port_id, device_id)) = self.directory.find(&self.network, source) else {
            return Ok(plain(StatusCode::NOT_FOUND, "No instance has this address."));
        };
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."));
        };
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let request = MetadataRequest {
            network_id: self.network.clone(),
            source,
            port_id,
            device_id,
            method: head.method.to_string(),
            path,
            body: body.to_bytes().to_vec(),
        };
        let Ok(reply) = tokio::time::timeout(ANSWER_DEADLINE, (self.handler)(request)).await else {
            return Ok(plain(StatusCode::GATEWAY_TIMEOUT, "The metadata service took too long."));
        };
        let mut response = Response::new(Full::new(Bytes::from(reply.body)));
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(kind) = HeaderValue::from_str(&reply.content_type) {
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        Ok(response)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
