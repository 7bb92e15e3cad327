//! What happens to guests of its own accord.
//!
//! Events are hints: the channel is bounded, and a receiver that falls behind gets [`Event::Lost`] in place of
//! what it missed.

use kit::ids::ServerId;
use kit::{PowerState, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something happened to a guest.
    Guest {
        /// Which.
        server_id: ServerId,
        /// What.
        kind: GuestEvent,
        /// When it was heard of.
        at: Timestamp,
    },
    /// Some events may have been missed (the connection was lost, or the receiver was too slow): ask for the
    /// state of everything.
    Lost,
}

/// What happened to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestEvent {
    /// It runs.
    Started,
    /// It powered itself off.
    Shutdown,
    /// Its power was taken away.
    Stopped,
    /// It stopped because of a fault of the guest or of the hypervisor.
    Crashed,
    /// It was frozen.
    Paused(PauseReason),
    /// It goes on.
    Resumed,
    /// It went to sleep (ACPI S3).
    Suspended,
    /// Its definition was removed, by somebody else's hand or (that may be told as well) by ours. One that runs runs on.
    Undefined,
}

impl GuestEvent {
    /// The state that the guest is in after it. What has no definition and runs on is not told apart.
    #[must_use]
    pub const fn power_state(self) -> PowerState {
        match self {
            Self::Started | Self::Resumed => PowerState::Running,
            Self::Shutdown | Self::Stopped => PowerState::Shutdown,
            Self::Crashed => PowerState::Crashed,
            Self::Paused(_) => PowerState::Paused,
            Self::Suspended => PowerState::Suspended,
            Self::Undefined => PowerState::NoState,
        }
    }
}

/// Why a guest was frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Somebody asked for it.
    Asked,
    /// The host could not write its disk (no space, an I/O error): it can be resumed once that is mended.
    IoError,
    /// Something else: a migration, a snapshot, a watchdog.
    Other,
}

/// A receiver of [`Event`]s.
#[derive(Debug)]
pub struct Events(tokio::sync::broadcast::Receiver<Event>);

impl Events {
    /// A receiver on what is sent into `sender` from now on.
    pub(crate) fn of(sender: &tokio::sync::broadcast::Sender<Event>) -> Self {
        Self(sender.subscribe())
    }

    /// The next event. One that fell behind gets [`Event::Lost`] in place of what it missed; `None` once the
    /// driver is gone. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Option<Event> {
        use tokio::sync::broadcast::error::RecvError;
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(Event::Lost),
            Err(RecvError::Closed) => None,
        }
    }
}
