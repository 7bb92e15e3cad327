//! Guests that exist in memory alone, or in a directory, and do as they are told: also to fail.
//!
//! A fake guest prints [`BANNER`](crate::contract::guest::BANNER) when it starts, powers off when asked and lets go of
//! its devices, unless it was made [`stubborn`](FakeDriver::make_stubborn). With a directory each guest is a file there,
//! so that guests outlive the process as real ones do: a test may kill the process and look. Without, and without delays,
//! no verb waits for anything.
//!
//! [`FakeDriver::faults`] makes any verb fail (before or after it took effect), hang, panic or be slow;
//! [`FakeDriver::calls`] is what it was asked for.

mod copies;
mod driver;
mod faults;
mod guests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kit::SharedClock;
use kit::ids::ServerId;
use tokio::sync::broadcast;

pub use copies::empty_disk;
pub use faults::{Faults, Misbehaviour, Verb};

use crate::error::DriverError;
use crate::event::{Event, GuestEvent};
use guests::Guests;

/// How many events a receiver may fall behind by.
const EVENTS_KEPT: usize = 1024;

/// What the fake host is.
#[derive(Clone)]
pub struct FakeConfig {
    /// Where guests are kept; in memory when `None`.
    pub dir: Option<PathBuf>,
    /// The host's name.
    pub hostname: String,
    /// The host's processors.
    pub vcpus: u32,
    /// The host's memory, in MiB.
    pub memory_mb: u64,
    /// What tells events' times.
    pub clock: SharedClock,
}

impl Default for FakeConfig {
    fn default() -> Self {
        Self {
            dir: None,
            hostname: "fake".to_owned(),
            vcpus: 64,
            memory_mb: 256 * 1024,
            clock: Arc::new(kit::SystemClock),
        }
    }
}

/// A hypervisor that is none.
pub struct FakeDriver {
    host: Arc<Host>,
    faults: Faults,
    closed: AtomicBool,
    away: AtomicBool,
}

/// What the verbs work on.
struct Host {
    config: FakeConfig,
    guests: Mutex<Guests>,
    events: broadcast::Sender<Event>,
    opened: kit::Timestamp,
}

impl Host {
    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, server_id: &ServerId, kind: GuestEvent) {
        let event = Event::Guest { server_id: server_id.clone(), kind, at: self.config.clock.now() };
        let _nobody_listens = self.events.send(event);
    }
}

impl FakeDriver {
    /// A fake host, with the guests that its directory has.
    ///
    /// # Errors
    /// [`DriverError::Hypervisor`] when the directory cannot be read.
    pub fn open(config: FakeConfig) -> Result<Arc<Self>, DriverError> {
        let guests = Guests::open(config.dir.clone()).map_err(|error| DriverError::Hypervisor {
            doing: "reading the fake hypervisor's directory".to_owned(),
            source: Box::new(error),
        })?;
        let opened = config.clock.now();
        let events = broadcast::channel(EVENTS_KEPT).0;
        let host = Arc::new(Host { config, guests: Mutex::new(guests), events, opened });
        Ok(Arc::new(Self {
            host,
            faults: Faults::default(),
            closed: AtomicBool::new(false),
            away: AtomicBool::new(false),
        }))
    }

    /// A fake host in memory.
    #[must_use]
    pub fn in_memory() -> Arc<Self> {
        let config = FakeConfig::default();
        let opened = config.clock.now();
        let (guests, events) = (Mutex::new(Guests::default()), broadcast::channel(EVENTS_KEPT).0);
        let host = Arc::new(Host { config, guests, events, opened });
        Arc::new(Self { host, faults: Faults::default(), closed: AtomicBool::new(false), away: AtomicBool::new(false) })
    }

    /// What goes wrong, from now on.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked for, in order, with the guest if it concerned one. The first 10,000 verbs.
    #[must_use]
    pub fn calls(&self) -> Vec<(Verb, Option<ServerId>)> {
        self.faults.calls()
    }

    /// What the guest runs with; `None` when it does not run.
    #[must_use]
    pub fn runs_with(&self, id: &ServerId) -> Option<crate::spec::DomainSpec> {
        self.host.guests().find(id).and_then(|guest| guest.live.clone())
    }

    /// From now on the guest neither powers off when asked nor lets go of what needs its consent.
    pub fn make_stubborn(&self, id: &ServerId) {
        self.host.guests().make_stubborn(id);
    }

    /// Has something happen to a guest that runs, as if of its own accord: it powers off, crashes, its disk fails.
    ///
    /// # Errors
    /// [`DriverError::NotFound`] without such a guest.
    pub fn happen(&self, id: &ServerId, kind: GuestEvent) -> Result<(), DriverError> {
        if kind == GuestEvent::Undefined {
            self.host.guests().remove(id)?;
        } else {
            self.host.guests().change(id, |guest| {
                guest.become_state(kind.power_state());
                Ok(())
            })?;
        }
        self.host.tell(id, kind);
        Ok(())
    }

    /// Has the guest print something on its serial console.
    ///
    /// # Errors
    /// [`DriverError::NotFound`] without such a guest.
    pub fn print(&self, id: &ServerId, text: &str) -> Result<(), DriverError> {
        self.host.guests().change(id, |guest| {
            guest.print(text);
            Ok(())
        })
    }

    /// Has the hypervisor be out of reach, as if its daemon were not there; its guests run on.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// Has it be there again.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
        self.lose_events();
    }

    /// Tells every receiver that events were lost.
    pub fn lose_events(&self) {
        let _nobody_listens = self.host.events.send(Event::Lost);
    }

    fn is_there(&self) -> bool {
        !self.closed.load(Ordering::SeqCst) && !self.away.load(Ordering::SeqCst)
    }

    /// Does `effect` as `verb`, with whatever was planned to go wrong.
    async fn verb<T: Send + 'static>(
        &self,
        verb: Verb,
        id: Option<&ServerId>,
        effect: impl FnOnce(&Host) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let doing = id.map_or_else(|| format!("{verb:?}"), |id| format!("{verb:?} of guest {id}"));
        if !self.is_there() {
            return Err(DriverError::Disconnected { doing, source: None });
        }
        let plan = self.faults.next(verb, id);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        match plan.misbehaviour {
            Some(Misbehaviour::Fail) => return Err(told_to(doing)),
            Some(Misbehaviour::Disconnect) => return Err(DriverError::Disconnected { doing, source: None }),
            Some(Misbehaviour::Hang) => std::future::pending().await,
            Some(Misbehaviour::Panic) => defect(&doing),
            Some(Misbehaviour::FailAfterwards) | None => {}
        }
        let answer = self.perform(effect).await;
        match plan.misbehaviour {
            Some(Misbehaviour::FailAfterwards) => answer.and(Err(told_to(doing))),
            _ => answer,
        }
    }

    /// In memory at once; with a directory away from the async workers.
    async fn perform<T: Send + 'static>(
        &self,
        effect: impl FnOnce(&Host) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        if self.host.config.dir.is_none() {
            return effect(&self.host);
        }
        let host = Arc::clone(&self.host);
        match tokio::task::spawn_blocking(move || effect(&host)).await {
            Ok(answer) => answer,
            Err(error) => {
                Err(DriverError::Hypervisor { doing: "writing a fake guest".to_owned(), source: Box::new(error) })
            }
        }
    }
}

fn told_to(doing: String) -> DriverError {
    DriverError::Hypervisor { doing, source: "it was told to fail".into() }
}

#[expect(clippy::panic, reason = "a test asked for it")]
fn defect(doing: &str) -> ! {
    panic!("{doing}: it was told to panic")
}

/// Waits without work, for a guest that does not react.
async fn patience(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests;
