//! Time as an argument: services ask a [`Clock`], so that tests can drive it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::time::{self, Timestamp};

/// Where the wall-clock time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current time, with microsecond precision.
    fn now(&self) -> Timestamp;
}

/// A clock that can be handed to every service.
pub type SharedClock = Arc<dyn Clock>;

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        time::truncate(Timestamp::now())
    }
}

/// A clock that stands still until it is told to move. For tests.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { micros: AtomicI64::new(time::to_micros(start)) }
    }

    /// Moves the clock forward by `step`.
    pub fn advance(&self, step: std::time::Duration) {
        let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the clock back by `step`.
    pub fn set_back(&self, step: std::time::Duration) {
        let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_sub(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        time::from_micros(self.micros.load(Ordering::SeqCst))
    }
}
