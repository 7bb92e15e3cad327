//! What systemd is told (`Type=notify`): starting, ready, alive, stopping. Nothing, where nobody listens.

use std::time::Duration;

use sd_notify::NotifyState;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How long the database may take to show that it is there, within one interval of the watchdog.
const ANSWER: u32 = 4;

/// That the start has come this far.
pub(super) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// That it answers at `url`.
pub(super) fn ready(url: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("answering at {url}"))]);
}

/// That it is about to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishing what is under way; guests keep running")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// How often systemd wants to hear that the process is alive.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero())
}

/// Says so until `stop`, twice in each `interval`, as long as the runtime runs this and the database reads and writes. Where it does not, nothing is
/// said, and systemd starts the process anew.
pub(super) async fn keep_alive(store: Store, interval: Duration, stop: CancellationToken) {
    loop {
        match tokio::time::timeout(interval / ANSWER, answers(&store)).await {
            Ok(true) => tell(&[NotifyState::Watchdog]),
            Ok(false) | Err(_) => {
                tracing::error!("the database does not answer: systemd's watchdog is not told that all is well")
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval / 2) => {}
        }
    }
}

/// Whether reader and writer take a job. A full disk or a busy queue is no reason to be killed: only silence is.
async fn answers(store: &Store) -> bool {
    let read = store.read(|_| Ok::<_, store::Error>(())).await;
    let written = store.write_relaxed(|_| Ok::<_, store::Error>(())).await;
    let dead = |result: Result<(), store::Error>| matches!(result, Err(store::Error::Timeout | store::Error::Closed));
    !dead(read) && !dead(written)
}
