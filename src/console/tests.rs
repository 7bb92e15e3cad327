//! The console over a real socket, with a guest's screen that is a unix socket.

use std::sync::Arc;

use bus::topics::compute_agent::ConsoleEndpoint;
use bus::topics::console::{AuthorizeConsole, ConsoleGrant, TOPIC};
use bus::{Bus, Options, Transport};
use futures_util::{SinkExt as _, StreamExt as _};
use http_kit::{App, Limits};
use kit::ids::{HostId, ServerId};
use kit::{Fault, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use crate::Console;

const GREETING: &[u8] = b"RFB 003.008\n";

async fn with_console<T>(test: impl AsyncFnOnce(String, CancellationToken) -> T) -> T {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vnc.sock");
    let screen = UnixListener::bind(&path).unwrap();
    let guest = tokio::spawn(async move {
        while let Ok((mut stream, _)) = screen.accept().await {
            stream.write_all(GREETING).await.unwrap();
            let mut answer = [0; 12];
            if stream.read_exact(&mut answer).await.is_ok() {
                stream.write_all(&answer).await.unwrap();
            }
        }
    });
    let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
    let _compute = bus
        .server(TOPIC)
        .on(move |_, AuthorizeConsole { token }| {
            let endpoint = ConsoleEndpoint::Unix(path.clone());
            async move {
                if token.expose() != "good" {
                    return Err(Fault::not_found("The token is unknown."));
                }
                Ok(ConsoleGrant { server_id: ServerId::random(), host: HostId::new("here"), endpoint })
            }
        })
        .start();
    let stop = CancellationToken::new();
    let console = Console::new(bus.client("console"), HostId::new("here"), stop.clone());
    let app = App::new(Limits::default(), Arc::new(SystemClock)).raw("/console", Arc::new(console)).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (serving, closing) = (app.clone(), stop.clone());
    let server = tokio::spawn(async move { serving.serve(listener, closing).await });
    let result = test(address, stop.clone()).await;
    stop.cancel();
    server.await.unwrap();
    guest.abort();
    result
}

#[tokio::test]
async fn bytes_go_both_ways_and_a_stop_ends_the_session() {
    with_console(async |address, stop| {
        let stream = TcpStream::connect(&address).await.unwrap();
        let url = format!("ws://{address}/console/websockify?token=good");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_data(), GREETING);
        socket.send(Message::binary(GREETING.to_vec())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_data(), GREETING);
        stop.cancel();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    with_console(async |address, _| {
        for query in ["?token=bad", ""] {
            let stream = TcpStream::connect(&address).await.unwrap();
            let url = format!("ws://{address}/console/websockify{query}");
            let refused = tokio_tungstenite::client_async(url, stream).await.unwrap_err();
            let Error::Http(response) = refused else { panic!("{refused}") };
            assert!(response.status().is_client_error(), "{}", response.status());
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_and_its_script_are_there() {
    with_console(async |address, _| {
        for (path, text) in [("vnc_auto.html?path=x", "novnc.js"), ("novnc.js", "RFB")] {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let request = format!("GET /console/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(text), "{path}");
        }
    })
    .await;
}
