//! `vm tunnel`: TCP ports of a VM, reached through the API alone. The API is cloudbox's own, `POST /servers/{id}/cloudbox-tunnel`.

use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Bytes;

use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::resolve::VM;
use crate::cli::session::Session;
use crate::cli::socket::{self, Outward};

/// Connections at once.
const MOST: usize = 128;

/// The options of `vm tunnel`.
#[derive(Debug, Args)]
pub struct Tunnel {
    /// Name or id
    vm: String,
    /// A port of this computer and one of the VM, as in 8080:80; or one of the VM alone, for standard input and output
    #[arg(required = true, value_name = "[LOCAL:]PORT")]
    ports: Vec<Forward>,
    /// The address of this computer to listen at
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    bind: IpAddr,
}

/// A port of a VM, and the one of this computer that leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Here; standard input and output where there is none. 0 is any that is free.
    pub local: Option<u16>,
    /// There.
    pub remote: u16,
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is not a port"));
        let (local, remote) = match text.split_once(':') {
            Some((local, remote)) => (Some(port(local)?), port(remote)?),
            None => (None, port(text)?),
        };
        if remote == 0 { Err("a VM has no port 0".to_owned()) } else { Ok(Self { local, remote }) }
    }
}

/// Reads `LOCAL:PORT`.
///
/// # Errors
/// When it is something else.
pub fn forward(text: &str) -> std::result::Result<Forward, String> {
    let forward: Forward = text.parse()?;
    forward.local.map(|_| forward).ok_or_else(|| "expected LOCAL:PORT".to_owned())
}

impl Tunnel {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let id = VM.find_id(&session.client, &self.vm).await?;
        match self.ports.as_slice() {
            [Forward { local: None, remote }] => {
                let url = url(session, &id, *remote).await?;
                let socket = session.client.socket(&url).await?;
                let all = |bytes: &[u8]| Outward::Send(bytes.to_vec());
                let (input, output) = socket::standard()?;
                socket::carry(socket, Bytes::new(), input, output, all).await
            }
            ports if ports.iter().all(|port| port.local.is_some()) => serve(session, &id, self.bind, ports).await,
            _ => Err(Problem::usage("only one port can have standard input and output, and no other beside it")
                .hint("say LOCAL:PORT for each")),
        }
    }
}

/// Where the WebSocket is that leads to `port`.
///
/// # Errors
/// When the cloud has no tunnels (not found), or does not let the user have one.
pub async fn url(session: &Session, id: &str, port: u16) -> Result<String> {
    let path = format!("{}/cloudbox-tunnel", VM.path_of(id));
    let answer = session.client.post(VM.service, &path, &json!({ "tunnel": { "port": port } })).await?;
    Ok(text(&answer, "/tunnel/url"))
}

/// Listens here for each of `ports`, and carries to the VM what comes, until Ctrl-C.
///
/// # Errors
/// When it cannot listen.
pub async fn serve(session: &Session, id: &str, bind: IpAddr, ports: &[Forward]) -> Result<()> {
    let mut listeners = Vec::new();
    for port in ports {
        let local = port.local.unwrap_or_default();
        let listener = TcpListener::bind((bind, local)).await;
        let listener = listener.map_err(|error| Problem::io(&format!("cannot listen at {bind}:{local}"), &error))?;
        let here = listener.local_addr().map_err(|error| Problem::io("cannot listen", &error))?;
        session.out.note(&format!("{here} leads to port {} of {id}, until Ctrl-C", port.remote));
        listeners.push((listener, port.remote));
    }
    let all = listeners.iter().map(|(listener, remote)| accept(session, id, listener, *remote));
    futures_util::future::try_join_all(all).await.map(drop)
}

/// One that takes its time to be opened, because nobody answers yet, holds up no other.
async fn accept(session: &Session, id: &str, listener: &TcpListener, remote: u16) -> Result<()> {
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < MOST => {
                let (stream, peer) = accepted.map_err(|error| Problem::io("cannot accept a connection", &error))?;
                open.push(async move {
                    if let Err(problem) = forward_one(session, id, remote, stream).await {
                        session.out.note(&format!("{peer}: {problem}"));
                    }
                });
            }
            Some(()) = open.next() => {}
        }
    }
}

/// Carries one connection, until it ends or breaks: whoever has the other end sees which.
async fn forward_one(session: &Session, id: &str, remote: u16, stream: TcpStream) -> Result<()> {
    // Each has an address of its own: one that was told may be old by now.
    let socket = session.client.socket(&url(session, id, remote).await?).await?;
    let (input, output) = stream.into_split();
    let carried = socket::carry(socket, Bytes::new(), input, output, |bytes| Outward::Send(bytes.to_vec()));
    let _ended_or_broken = carried.await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_is_two_ports_or_one() {
        assert_eq!("8080:80".parse(), Ok(Forward { local: Some(8080), remote: 80 }));
        assert_eq!("22".parse(), Ok(Forward { local: None, remote: 22 }));
        for wrong in ["x", "1:0", "0", "70000", "1:2:3", ":80"] {
            assert!(wrong.parse::<Forward>().is_err(), "{wrong}");
        }
        assert!(forward("80").is_err() && forward("0:80").is_ok());
    }
}
