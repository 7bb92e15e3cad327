//! WebSockets: consoles and tunnels. Bytes go both ways as binary messages; an empty one says that no more will come.

use std::os::fd::{AsFd as _, BorrowedFd};

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Request;
use hyper::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::client::{accepted, built};
use super::http::{self, Http};
use super::problem::{Problem, Result};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// An open WebSocket.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Opens the one at `url`.
///
/// # Errors
/// When nobody answers there, or it is refused.
pub async fn open(http: &Http, url: &str) -> Result<Socket> {
    let Some(rest) = url.strip_prefix("ws") else {
        return Err(Problem::failed(format!("{url} is not a WebSocket")));
    };
    let key = base64::engine::general_purpose::STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
    let request = Request::get(format!("http{rest}"))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, key)
        .header(SEC_WEBSOCKET_PROTOCOL, "binary");
    match http.upgrade(built(request, http::bytes(""))?).await? {
        Ok(upgraded) => Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await),
        Err(answer) => {
            accepted(&answer)?;
            Err(Problem::failed("the cloud does not open the connection"))
        }
    }
}

/// Reads some bytes; none where the other side has ended.
///
/// # Errors
/// When the connection breaks.
pub async fn some(socket: &mut Socket) -> Result<Bytes> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) if !bytes.is_empty() => return Ok(bytes),
            Some(Ok(Message::Text(text))) if !text.is_empty() => return Ok(Bytes::copy_from_slice(text.as_bytes())),
            Some(Ok(Message::Close(_))) | None => return Ok(Bytes::new()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(&error)),
        }
    }
}

/// Carries what `input` has to the other side, and what that says to `output`, until the other side ends. `first` has been said already.
/// `outward` sees and may change what is sent; it answers whether to go on.
///
/// # Errors
/// When the connection breaks, or this side cannot be read or written.
pub async fn carry(
    socket: Socket,
    first: Bytes,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    mut outward: impl FnMut(&[u8]) -> Outward,
) -> Result<()> {
    let (mut sink, mut stream) = socket.split();
    let up = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = input.read(&mut buffer).await.map_err(Error::Io)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            let (bytes, go_on) = match outward(read) {
                Outward::Send(bytes) => (bytes, true),
                Outward::End(bytes) => (bytes, false),
            };
            if !bytes.is_empty() {
                sink.send(Message::binary(bytes)).await?;
            }
            if !go_on {
                return sink.close().await;
            }
        }
        sink.send(Message::binary(Vec::new())).await?;
        // The other side may have more to say.
        std::future::pending().await
    };
    let down = async {
        output.write_all(&first).await.map_err(Error::Io)?;
        output.flush().await.map_err(Error::Io)?;
        while let Some(message) = stream.next().await {
            let bytes = match message? {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
                Message::Close(_) => break,
                _ => continue,
            };
            output.write_all(&bytes).await.map_err(Error::Io)?;
            output.flush().await.map_err(Error::Io)?;
        }
        output.shutdown().await.map_err(Error::Io)
    };
    let ended = tokio::select! { ended = up => ended, ended = down => ended };
    match ended {
        Ok(()) | Err(Error::ConnectionClosed) => Ok(()),
        Err(error) => Err(broken(&error)),
    }
}

/// Standard input and output of this process.
///
/// # Errors
/// When one of them is closed.
pub fn standard() -> Result<(tokio::fs::File, tokio::fs::File)> {
    let own = |fd: BorrowedFd<'_>| {
        let fd =
            fd.try_clone_to_owned().map_err(|error| Problem::io("cannot use standard input and output", &error))?;
        Ok(tokio::fs::File::from_std(std::fs::File::from(fd)))
    };
    Ok((own(std::io::stdin().as_fd())?, own(std::io::stdout().as_fd())?))
}

/// What becomes of what was read on this side.
pub enum Outward {
    /// This is sent.
    Send(Vec<u8>),
    /// This is sent, and then it is over.
    End(Vec<u8>),
}

fn broken(error: &Error) -> Problem {
    match error {
        Error::Io(error) => Problem::io("the connection broke", error),
        error => Problem::failed(format!("the connection broke: {error}")),
    }
}
