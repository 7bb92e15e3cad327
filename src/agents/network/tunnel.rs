//! Tunnels to guests: a connection made inside of a guest's network, handed over through a unix socket on the host.
//!
//! Who asks the agent has been authorised by then. The socket lies in a directory that nobody else may enter, has a name that nobody can
//! guess, takes one connection, and is gone after it or after [`PICKED_UP_WITHIN`]. A tunnel through which nothing goes for [`IDLE`] is
//! closed. There are at most [`MOST`]; each is a task that [`Tunnels::close`] waits for.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kit::Fault;
use kit::ids::NetworkId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::drivers::{Connection, NetworkDriver};

/// Tunnels of one host at once.
const MOST: usize = 256;
/// How long a tunnel waits for who wanted it.
const PICKED_UP_WITHIN: Duration = Duration::from_secs(10);
/// How long nothing may go through one.
const IDLE: Duration = Duration::from_secs(3600);
/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// The tunnels of one host.
#[derive(Debug)]
pub(crate) struct Tunnels {
    directory: PathBuf,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Tunnels {
    /// None yet. `directory` is made when it is needed.
    pub(crate) fn new(directory: PathBuf) -> Self {
        let places = Arc::new(Semaphore::new(MOST));
        Self { directory, places, tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Connects to the first of `addresses` that answers. Answers the socket that leads there.
    ///
    /// # Errors
    /// 409 where nobody answers, 503 where there are as many as there may be.
    pub(crate) async fn open(
        &self,
        driver: &dyn NetworkDriver,
        addresses: &[(NetworkId, IpAddr)],
        port: u16,
    ) -> Result<PathBuf, Fault> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(Fault::unavailable("The host has as many tunnels to guests as it may."));
        };
        let guest = connect(driver, addresses, port).await?;
        let path = self.directory.join(format!("{}.sock", uuid::Uuid::new_v4().simple()));
        let listener = listen(&self.directory, &path).map_err(|error| Fault::internal("opening a tunnel", error))?;
        let (stop, socket) = (self.stop.clone(), Socket(path.clone()));
        self.tasks.spawn(async move {
            let _place = place;
            let picked_up = tokio::select! {
                () = stop.cancelled() => return,
                picked_up = timeout(PICKED_UP_WITHIN, listener.accept()) => picked_up,
            };
            drop((listener, socket));
            let Ok(Ok((client, _))) = picked_up else { return };
            tokio::select! {
                () = stop.cancelled() => {}
                () = carry_both_ways(client, guest, IDLE) => {}
            }
        });
        Ok(path)
    }

    /// Removes what a process before this one has left.
    pub(crate) async fn sweep(&self) {
        match tokio::fs::remove_dir_all(&self.directory).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, directory = %self.directory.display(), "left-over tunnels stay");
            }
            _ => {}
        }
    }

    /// Closes all.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A socket's file, which goes with it.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // It may have gone with its directory.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn listen(directory: &Path, path: &Path) -> std::io::Result<UnixListener> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    UnixListener::bind(path)
}

async fn connect(
    driver: &dyn NetworkDriver,
    addresses: &[(NetworkId, IpAddr)],
    port: u16,
) -> Result<Box<dyn Connection>, Fault> {
    for (network, address) in addresses {
        match driver.connect(network.clone(), SocketAddr::new(*address, port)).await {
            Ok(guest) => return Ok(guest),
            Err(error) => tracing::debug!(%error, network_id = %network, "a guest does not answer"),
        }
    }
    Err(Fault::conflict(format!("Nobody answers at port {port} of the server.")))
}

/// Carries bytes both ways until both sides have ended, one of them breaks, or nothing has come for `idle`.
async fn carry_both_ways(
    one: impl AsyncRead + AsyncWrite + Unpin,
    other: impl AsyncRead + AsyncWrite + Unpin,
    idle: Duration,
) {
    let seen = AtomicU64::new(0);
    let (mut from_one, mut to_one) = tokio::io::split(one);
    let (mut from_other, mut to_other) = tokio::io::split(other);
    let both = async {
        tokio::try_join!(carry(&mut from_one, &mut to_other, &seen), carry(&mut from_other, &mut to_one, &seen))
    };
    let quiet = async {
        let (mut last, mut since) = (0, Instant::now());
        while since.elapsed() < idle {
            tokio::time::sleep_until(since + idle).await;
            let now = seen.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    };
    tokio::select! {
        ended = both => tracing::debug!(?ended, "a tunnel was closed"),
        () = quiet => tracing::debug!("a tunnel was closed: nothing went through it"),
    }
}

/// Carries bytes one way until there are no more, and says so to who gets them.
async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    seen: &AtomicU64,
) -> std::io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        to.write_all(bytes).await?;
        seen.fetch_add(1, Ordering::Relaxed);
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use bus::topics::network_spec::NetworkGateway;
    use tokio::net::UnixStream;

    use super::*;
    use crate::drivers::fake::{CLOSED, FakeDriver, GREETING};
    use crate::drivers::samples;

    async fn host() -> (FakeDriver, NetworkId, IpAddr) {
        let driver = FakeDriver::new();
        let network = samples::network("n", NetworkGateway::Host);
        let port = samples::port("p", "n", 5, &[]);
        let (id, address) = (network.id.clone(), port.fixed_ips[0].ip_address);
        driver.ensure_network(network).await.unwrap();
        driver.ensure_port(port).await.unwrap();
        (driver, id, address)
    }

    #[tokio::test]
    async fn the_first_who_comes_has_the_connection_to_the_first_that_answers() {
        let dir = tempfile::tempdir().unwrap();
        let (driver, network, address) = host().await;
        let tunnels = Tunnels::new(dir.path().join("tunnels"));
        tunnels.sweep().await;
        let nobody = (network.clone(), "192.0.2.1".parse().unwrap());
        let path = tunnels.open(&driver, &[nobody, (network, address)], 22).await.unwrap();
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let mut client = UnixStream::connect(&path).await.unwrap();
        let mut greeting = [0; GREETING.len()];
        client.read_exact(&mut greeting).await.unwrap();
        assert_eq!(greeting, GREETING);
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "hello");
        assert!(!path.exists() && UnixStream::connect(&path).await.is_err());
        tunnels.close().await;
    }

    #[tokio::test]
    async fn where_nobody_answers_there_is_no_tunnel() {
        let dir = tempfile::tempdir().unwrap();
        let (driver, network, address) = host().await;
        let tunnels = Tunnels::new(dir.path().to_owned());
        let refused = tunnels.open(&driver, &[(network, address)], CLOSED).await.unwrap_err();
        assert_eq!(refused.kind(), kit::FaultKind::Conflict);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(tunnels.places.available_permits(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_that_nobody_takes_and_one_that_nobody_uses_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (driver, network, address) = host().await;
        let tunnels = Tunnels::new(dir.path().to_owned());
        let path = tunnels.open(&driver, &[(network, address)], 22).await.unwrap();
        tunnels.tasks.close();
        tunnels.tasks.wait().await;
        assert!(!path.exists());
        let ((one, _kept), (other, _open)) = (tokio::io::duplex(64), tokio::io::duplex(64));
        let started = Instant::now();
        carry_both_ways(one, other, IDLE).await;
        assert!(started.elapsed() >= IDLE && started.elapsed() < IDLE * 2);
    }

    #[tokio::test]
    async fn closing_ends_those_that_are_open() {
        let dir = tempfile::tempdir().unwrap();
        let (driver, network, address) = host().await;
        let tunnels = Tunnels::new(dir.path().to_owned());
        let path = tunnels.open(&driver, &[(network, address)], 22).await.unwrap();
        let mut client = UnixStream::connect(&path).await.unwrap();
        let mut greeting = [0; GREETING.len()];
        client.read_exact(&mut greeting).await.unwrap();
        tunnels.close().await;
        assert_eq!(client.read(&mut greeting).await.unwrap(), 0);
    }
}
