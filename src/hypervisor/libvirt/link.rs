//! The link to libvirt: one thread opens the connection, watches it, and opens it again.
//!
//! ```text
//! opened ──▶ connected ──(close callback, or a call that failed and no answer to a probe)──▶ lost
//!                ▲                                                                            │
//!                └─────────── opened again, after 0.5 s, 1 s, … 5 s: Event::Lost ◀────────────┘
//! ```
//!
//! The thread also bounds the console logs that nobody else bounds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::{Failure, Outcome};
use super::events::{Hub, Sink};
use super::ours::Ours;
use super::session::Session;
use super::{LibvirtConfig, error};
use crate::capabilities::Health;
use crate::console;
use crate::error::DriverError;
use crate::event::Events;

/// How often the connection is looked at without reason, and the console logs measured.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The first pause before the connection is opened again, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// The link to libvirt.
pub struct Link {
    session: RwLock<Option<Arc<Session>>>,
    health: Mutex<Health>,
    hub: Hub,
    ours: Arc<Ours>,
    wake: flume::Sender<()>,
    stopping: AtomicBool,
}

impl Link {
    /// Opens the connection and has it watched. Blocks until it is open; with `patient` one that cannot be reached
    /// is left to the thread.
    pub fn open(config: LibvirtConfig, patient: bool) -> Result<(Arc<Self>, JoinHandle<()>), DriverError> {
        let doing = error::Doing::on_host("opening libvirt");
        let (wake, woken) = flume::bounded(1);
        let hub = Hub::new(Arc::clone(&config.clock));
        let health = Mutex::new(Health { connected: false, since: hub.now(), error: None });
        let ours = Arc::new(Ours::default());
        let stopping = AtomicBool::new(false);
        let link = Arc::new(Self { session: RwLock::new(None), health, hub, ours, wake, stopping });
        match link.connect(&config).map_err(|failure| failure.while_doing(&doing)) {
            Err(error @ DriverError::Disconnected { .. }) if patient => {
                tracing::warn!(uri = %config.uri, error = %error.chain(), "libvirt cannot be reached");
                link.note(Some(error.chain()));
                link.suspect();
            }
            opened => opened?,
        }
        let watched = Arc::clone(&link);
        let watch = move || watched.watch(&config, &woken);
        let thread = std::thread::Builder::new().name("libvirt-link".to_owned()).spawn(watch);
        let thread = thread.map_err(|error| Failure::from(error).while_doing(&doing))?;
        Ok((link, thread))
    }

    /// The session, if there is one.
    pub fn session(&self) -> Option<Arc<Session>> {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether libvirt can be reached.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A receiver on what happens to guests.
    pub fn events(&self) -> Events {
        self.hub.events()
    }

    /// Where events go.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Has the connection looked at: a call on it failed.
    pub fn suspect(&self) {
        let _already_woken = self.wake.try_send(());
    }

    /// Has the thread end, which closes the connection.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.suspect();
    }

    fn connect(&self, config: &LibvirtConfig) -> Outcome<()> {
        let sink = Sink { hub: self.hub.clone(), ours: Arc::clone(&self.ours), closed: self.wake.clone() };
        let session = Arc::new(Session::open(config, Arc::new(sink))?);
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
        self.note(None);
        Ok(())
    }

    fn watch(&self, config: &LibvirtConfig, woken: &flume::Receiver<()>) {
        loop {
            let _woken_or_not = woken.recv_timeout(LOOK_EVERY);
            if self.is_stopping() {
                break;
            }
            match self.session() {
                Some(session) if session.is_alive() => self.tend(&session),
                _ => self.reconnect(config, woken),
            }
        }
        self.forget_session();
        self.note(Some("closed".to_owned()));
    }

    /// Opens the connection again, however long it takes, unless told to stop.
    fn reconnect(&self, config: &LibvirtConfig, woken: &flume::Receiver<()>) {
        self.forget_session();
        if self.health().connected {
            self.note(Some("the connection was lost".to_owned()));
        }
        let (mut pause, longest) = RETRY;
        while !self.is_stopping() {
            match self.connect(config) {
                Ok(()) => {
                    tracing::info!(uri = %config.uri, "connected to libvirt");
                    self.hub.lost();
                    return;
                }
                Err(failure) => {
                    let error = failure.while_doing(&error::Doing::on_host("opening libvirt")).chain();
                    tracing::warn!(uri = %config.uri, %error, retry_in = ?pause, "libvirt cannot be reached");
                    self.note(Some(error));
                }
            }
            self.sleep(pause, woken);
            pause = (pause * 2).min(longest);
        }
    }

    /// Waits for `pause`, or until told to stop: a call that failed on the old connection is no news.
    fn sleep(&self, pause: Duration, woken: &flume::Receiver<()>) {
        let until = Instant::now() + pause;
        while !self.is_stopping() && woken.recv_deadline(until).is_ok() {}
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Dropped by whichever thread uses it last.
    fn forget_session(&self) {
        drop(self.session.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn note(&self, error: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = error.is_none();
        let since = if health.connected == connected { health.since } else { self.hub.now() };
        *health = Health { connected, since, error };
    }

    fn tend(&self, session: &Session) {
        if session.is_embedded() {
            for log in self.ours.console_logs() {
                if let Err(error) = console::rotate(&log, console::ROTATE_AT) {
                    tracing::warn!(log = %log.display(), %error, "could not bound a console log");
                }
            }
        }
    }
}
