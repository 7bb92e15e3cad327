//! What the process is told by signals.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals of one meaning. They do not end the process any more once this is there.
pub(super) struct Signals(Vec<Signal>);

impl Signals {
    /// To stop: SIGTERM, SIGINT.
    ///
    /// # Errors
    /// When they cannot be caught.
    pub(super) fn ends() -> io::Result<Self> {
        Ok(Self(vec![signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]))
    }

    /// To read the configuration again: SIGHUP, which those send who rotate logs, too. On a terminal it still means that the
    /// terminal is gone.
    ///
    /// # Errors
    /// When it cannot be caught.
    pub(super) fn hangups() -> io::Result<Self> {
        if io::stdin().is_terminal() {
            return Ok(Self(Vec::new()));
        }
        Ok(Self(vec![signal(SignalKind::hangup())?]))
    }

    /// Waits for the next; for ever where there are none.
    pub(super) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
