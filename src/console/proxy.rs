//! The console's paths: the page, its script, the WebSocket.
//!
//! What is behind the WebSocket is the token's matter: a screen, a serial console, a tunnel to a port of the guest. Bytes are carried as binary
//! messages; an empty one from the client says that it sends no more, which a tunnel's guest is told.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bus::topics::console::{AuthorizeConsole, ConsoleGrant};
use bus::{Client, Target};
use futures_util::{SinkExt as _, StreamExt as _};
use http_kit::endpoint::BoxFuture;
use http_kit::{RawHandler, ResponseBody, StatusCode};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kit::ids::HostId;
use kit::{FaultKind, RequestContext, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::reply::{content, text};
use crate::screen::{self, Stream};

const PAGE: &str = include_str!("assets/vnc.html");
const SCRIPT: &str = include_str!("assets/novnc.js");

/// How long a screen may take to answer the connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Sessions at once.
const MOST: usize = 512;
/// How much is read from a screen at once.
const CHUNK: usize = 16 * 1024;

/// Answers everything below `/console`.
pub struct Console {
    client: Client,
    host: HostId,
    sessions: TaskTracker,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Console {
    /// The console of `host`; open sessions end when `stop` is cancelled.
    #[must_use]
    pub fn new(client: Client, host: HostId, stop: CancellationToken) -> Self {
        Self { client, host, sessions: TaskTracker::new(), places: Arc::new(Semaphore::new(MOST)), stop }
    }

    /// Waits until all sessions have ended; cancel `stop` before.
    pub async fn drained(&self) {
        self.sessions.close();
        self.sessions.wait().await;
    }

    /// What the token in `request`'s query opens, or the answer that refuses it.
    async fn authorize(&self, request: &Request<Incoming>) -> Result<ConsoleGrant, Response<ResponseBody>> {
        let token = request.uri().query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("token="));
        let Some(token) = token else {
            return Err(text(StatusCode::UNAUTHORIZED, "The console's token is missing."));
        };
        let context = RequestContext::service("console");
        let grant = self.client.call(&context, Target::Any, AuthorizeConsole { token: Secret::new(token) }).await;
        let grant = grant.map_err(|fault| match fault.kind() {
            FaultKind::NotFound => text(StatusCode::FORBIDDEN, "The token is not valid or has expired."),
            // Nobody answers at the guest's port, or the guest does not run.
            FaultKind::Conflict => text(StatusCode::CONFLICT, fault.message()),
            _ => text(StatusCode::SERVICE_UNAVAILABLE, "The console cannot be opened now."),
        })?;
        if grant.host == self.host {
            Ok(grant)
        } else {
            Err(text(StatusCode::NOT_IMPLEMENTED, "The guest is on another host; open the console there."))
        }
    }

    async fn open(&self, mut request: Request<Incoming>) -> Response<ResponseBody> {
        let Some(accept) = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
            return text(StatusCode::UPGRADE_REQUIRED, "This path answers WebSocket connections only.");
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "There are as many consoles open as there may be.");
        };
        let grant = match self.authorize(&request).await {
            Ok(grant) => grant,
            Err(refused) => return refused,
        };
        let screen = match tokio::time::timeout(CONNECT_WITHIN, screen::connect(&grant.endpoint)).await {
            Ok(Ok(screen)) => screen,
            failed => {
                tracing::warn!(server_id = %grant.server_id, failure = ?failed.err(), "the screen cannot be reached");
                return text(StatusCode::SERVICE_UNAVAILABLE, "The guest's screen cannot be reached. Is it running?");
            }
        };
        let Ok(accept) = HeaderValue::from_str(&accept) else {
            return text(StatusCode::BAD_REQUEST, "The WebSocket key is not valid.");
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let stop = self.stop.clone();
        self.sessions.spawn(async move {
            let _place = place;
            let Ok(upgraded) = upgrade.await else { return };
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            tokio::select! {
                () = stop.cancelled() => {}
                ended = relay(socket, screen) => tracing::debug!(server_id = %grant.server_id, ?ended, "a console was closed"),
            }
        });
        let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.clear();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        if asks_for_binary(&request) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("binary"));
        }
        response
    }
}

impl RawHandler for Console {
    fn call(&self, request: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let console = Self {
            client: self.client.clone(),
            host: self.host.clone(),
            sessions: self.sessions.clone(),
            places: self.places.clone(),
            stop: self.stop.clone(),
        };
        Box::pin(async move {
            match request.uri().path() {
                "/console/vnc_auto.html" | "/console/vnc.html" => content("text/html; charset=utf-8", PAGE),
                "/console/novnc.js" => content("text/javascript; charset=utf-8", SCRIPT),
                "/console/websockify" => console.open(request).await,
                _ => text(StatusCode::NOT_FOUND, "There is nothing here."),
            }
        })
    }
}

fn asks_for_binary(request: &Request<Incoming>) -> bool {
    let asked = request.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    asked.is_some_and(|protocols| protocols.split(',').any(|protocol| protocol.trim() == "binary"))
}

/// Carries bytes both ways until one side ends.
async fn relay<S>(socket: WebSocketStream<S>, screen: Pin<Box<dyn Stream>>) -> Result<(), Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut to_browser, mut from_browser) = socket.split();
    let (mut from_screen, mut to_screen) = tokio::io::split(screen);
    let inward = async {
        while let Some(message) = from_browser.next().await {
            match message? {
                Message::Binary(bytes) if bytes.is_empty() => to_screen.shutdown().await?,
                Message::Binary(bytes) => to_screen.write_all(&bytes).await?,
                Message::Text(text) => to_screen.write_all(text.as_bytes()).await?,
                Message::Close(_) => break,
                _ => {}
            }
        }
        Ok::<(), Error>(())
    };
    let outward = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = from_screen.read(&mut buffer).await?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            to_browser.send(Message::Binary(Bytes::copy_from_slice(bytes))).await?;
        }
        to_browser.close().await
    };
    tokio::select! { ended = inward => ended, ended = outward => ended }
}
