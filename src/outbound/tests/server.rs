//! A server that speaks as the test wants it to: raw, so that it can lie.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does.
#[derive(Clone)]
pub struct Script {
    pub bytes: Vec<u8>,
    /// The `Content-Length` of a whole answer, where it is not the truth.
    pub claimed: Option<usize>,
    pub chunked: bool,
    /// After how many bytes each connection breaks; those after the last do not.
    pub cut_after: Vec<usize>,
    /// The tag at each request; the last one stays.
    pub tags: Vec<&'static str>,
    pub ranges: bool,
    pub wrong_range: bool,
    /// Says nothing more after so many bytes, and stays.
    pub silent_after: Option<usize>,
    pub trickle: bool,
    /// Does not answer at all.
    pub mute: bool,
    pub garbage: bool,
    /// Where the first requests are sent.
    pub redirects: Vec<String>,
    /// Never hands out anything itself: the last redirect stays.
    pub redirect_each: bool,
    pub status: Option<&'static str>,
    /// The status of all requests but the first.
    pub then_status: Option<&'static str>,
}

impl Script {
    pub fn whole(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            claimed: None,
            chunked: false,
            cut_after: Vec::new(),
            tags: vec!["\"one\""],
            ranges: true,
            wrong_range: false,
            silent_after: None,
            trickle: false,
            mute: false,
            garbage: false,
            redirects: Vec::new(),
            redirect_each: false,
            status: None,
            then_status: None,
        }
    }

    pub fn chunked(bytes: &[u8]) -> Self {
        Self { chunked: true, ..Self::whole(bytes) }
    }

    pub fn status(status: &'static str) -> Self {
        Self { status: Some(status), ..Self::whole(b"") }
    }
}

pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = asked.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, requests) = (script.clone(), requests.clone());
                connections.spawn(async move {
                    // Who breaks off is not interested in the rest.
                    let _ = answer(stream, script, &requests).await;
                });
            }
        });
        Self { address, asked, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, script: Script, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
        if request.starts_with(&[0x16]) {
            // A handshake of TLS, which is not spoken here.
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let turn = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    if script.mute {
        return std::future::pending().await;
    }
    if script.garbage {
        return stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    }
    let at = if script.redirect_each { turn.min(script.redirects.len() - 1) } else { turn };
    if let Some(to) = script.redirects.get(at) {
        return stream
            .write_all(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes())
            .await;
    }
    if let Some(status) = script.status.or(script.then_status.filter(|_| turn > 0)) {
        return stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
    }
    hand_out(stream, &script, &request, turn).await
}

async fn hand_out(mut stream: TcpStream, script: &Script, request: &str, turn: usize) -> std::io::Result<()> {
    let tag = script.tags[turn.min(script.tags.len() - 1)];
    let total = script.bytes.len();
    let wanted = |name: &str| {
        request.lines().find_map(|line| line.to_lowercase().strip_prefix(name).map(|value| value.trim().to_owned()))
    };
    let first =
        wanted("range:").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let first = first.filter(|_| script.ranges && wanted("if-range:").is_some_and(|of| of == tag));
    let (head, body) = match first {
        Some(first) if first >= total => {
            (format!("416 No\r\nContent-Range: bytes */{total}\r\nContent-Length: 0"), &[][..])
        }
        Some(first) => {
            let said = if script.wrong_range { first + 5 } else { first };
            let length = script.claimed.unwrap_or(total) - first;
            let range =
                format!("206 Part\r\nContent-Range: bytes {said}-{}/{total}\r\nContent-Length: {length}", total - 1);
            (range, &script.bytes[first..])
        }
        None if script.chunked => ("200 OK\r\nTransfer-Encoding: chunked".to_owned(), &script.bytes[..]),
        None => (format!("200 OK\r\nContent-Length: {}", script.claimed.unwrap_or(total)), &script.bytes[..]),
    };
    stream.write_all(format!("HTTP/1.1 {head}\r\nETag: {tag}\r\n\r\n").as_bytes()).await?;
    if let Some(cut) = script.cut_after.get(turn) {
        return stream.write_all(&body[..(*cut).min(body.len())]).await;
    }
    if let Some(silent) = script.silent_after {
        stream.write_all(&body[..silent.min(body.len())]).await?;
        return std::future::pending().await;
    }
    if script.trickle {
        for byte in body {
            stream.write_all(&[*byte]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    if script.chunked {
        for chunk in body.chunks(1000) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
            stream.write_all(chunk).await?;
            stream.write_all(b"\r\n").await?;
        }
        return stream.write_all(b"0\r\n\r\n").await;
    }
    stream.write_all(body).await
}
