//! The connection to a guest's screen.

use std::pin::Pin;

use bus::topics::compute_agent::ConsoleEndpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A connection that speaks RFB.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// Connects to `endpoint`.
pub(crate) async fn connect(endpoint: &ConsoleEndpoint) -> std::io::Result<Pin<Box<dyn Stream>>> {
    Ok(match endpoint {
        ConsoleEndpoint::Unix(path) => Box::pin(UnixStream::connect(path).await?),
        ConsoleEndpoint::Tcp(port) => Box::pin(TcpStream::connect(("127.0.0.1", *port)).await?),
    })
}
