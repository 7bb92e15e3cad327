//! TLS in front of HTTP: handshakes within limits, and an answer for who speaks plain HTTP to it.
//!
//! Which certificate is shown, the owner of the [`ServerConfig`] decides, for each handshake anew.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// The first byte of every handshake: a record of that kind (RFC 8446, 5.1).
const HANDSHAKE: u8 = 0x16;
/// How long who speaks plain HTTP has to send a request and to read what is said to it.
const PLAIN: Duration = Duration::from_secs(5);
/// How much of a plain request is read.
const PLAIN_BYTES: usize = 16 * 1024;

/// How connections are taken in.
pub struct Tls {
    acceptor: TlsAcceptor,
    handshakes: Semaphore,
    time: Duration,
}

impl Tls {
    /// As `config` says; it is given the protocols that are spoken (ALPN: h2, http/1.1). At most `most` handshakes at once, each
    /// done within `time`, the wait for its turn included.
    #[must_use]
    pub fn new(mut config: ServerConfig, most: usize, time: Duration) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), handshakes: Semaphore::new(most), time }
    }

    /// The handshake. `None` for a client that speaks plain HTTP, and has been told so.
    ///
    /// # Errors
    /// When it fails or takes too long.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the handshake was not done in time");
        let handshake = async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if first != [HANDSHAKE] {
                return Ok(Err(stream));
            }
            let _turn = self.handshakes.acquire().await.map_err(io::Error::other)?;
            self.acceptor.accept(stream).await.map(Ok)
        };
        match tokio::time::timeout(self.time, handshake).await.map_err(|_| late())?? {
            Ok(stream) => Ok(Some(stream)),
            Err(stream) => tokio::time::timeout(PLAIN, refuse(stream)).await.map_err(|_| late())?.map(|()| None),
        }
    }
}

/// Reads the head of a plain request, and says that this port speaks https.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let mut head = Vec::new();
    while head.len() < PLAIN_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if (&mut stream).take(1024).read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let place = host(&head).map(|host| format!(": use https://{host}/")).unwrap_or_default();
    let message = format!("This port speaks https, not http{place}\n");
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{message}",
        message.len(),
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // What was not read would make the kernel take the answer back.
    tokio::io::copy(&mut stream.take(1 << 20), &mut tokio::io::sink()).await.map(drop)
}

/// The host of a request's head, where it is one that can be said again.
fn host(head: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(head).ok()?;
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    })?;
    let usual = |character: char| character.is_ascii_alphanumeric() || "-._:[]".contains(character);
    (!value.is_empty() && value.len() < 256 && value.chars().all(usual)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn only_a_plain_host_is_said_again() {
        assert_eq!(host(b"GET / HTTP/1.1\r\nHOST: a.b:1\r\n\r\n").as_deref(), Some("a.b:1"));
        assert_eq!(host(b"GET / HTTP/1.1\r\nhost: [::1]:1\r\n\r\n").as_deref(), Some("[::1]:1"));
        for none in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"Host: <b>\r\n", b"Host:\r\n", b"Host: \xff\r\n"] {
            assert_eq!(host(none), None);
        }
    }
}
