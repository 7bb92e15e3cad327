//! How a run is watched, cancelled and given up.

use std::sync::Arc;
use std::time::Duration;

use kit::{Fault, SharedClock, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::record::{Direction, Record};

/// What happened to a step.
#[derive(Debug, Clone)]
pub enum Event {
    /// It, or its undo, starts.
    Started,
    /// It, or its undo, succeeded after so many microseconds.
    Finished {
        /// How long it took.
        micros: u64,
    },
    /// It, or its undo, failed after so many microseconds. An undo may be tried again.
    Failed {
        /// How long it took.
        micros: u64,
        /// How it failed.
        fault: Fault,
    },
}

/// Step `step` of `steps` of a running workflow: for progress bars, instance actions and traces.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// The run: its id, kind, subject and context.
    pub record: &'a Record,
    /// The step's name.
    pub name: &'static str,
    /// The step's number, from 1.
    pub step: usize,
    /// How many steps there are.
    pub steps: usize,
    /// Forward for the step itself, unwinding for its undo.
    pub direction: Direction,
    /// What happened to it.
    pub event: Event,
}

/// How often what must not fail (an undo, a journal entry) is tried, and how far apart.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How often in all, at least once.
    pub attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 6, pause: Duration::from_millis(200), longest: Duration::from_secs(10) }
    }
}

impl Retry {
    /// The pause after attempt `attempt` (from 1), or `None` when it was the last.
    pub(crate) fn pause_after(&self, attempt: u32) -> Option<Duration> {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        (attempt < self.attempts).then(|| self.pause.saturating_mul(factor).min(self.longest))
    }
}

type ProgressFn = dyn Fn(&Progress<'_>) + Send + Sync;

/// How a run is watched, cancelled and given up. The default is: not at all, not at all, after a minute.
#[derive(Clone)]
pub struct Control {
    pub(crate) cancel: CancellationToken,
    pub(crate) progress: Option<Arc<ProgressFn>>,
    pub(crate) retry: Retry,
    pub(crate) clock: SharedClock,
}

impl Default for Control {
    fn default() -> Self {
        Self { cancel: CancellationToken::new(), progress: None, retry: Retry::default(), clock: Arc::new(SystemClock) }
    }
}

impl Control {
    /// Unwinds when `token` is cancelled: between two steps, or by dropping the running one. Unwinding itself
    /// cannot be cancelled.
    #[must_use]
    pub fn cancel(mut self, token: CancellationToken) -> Self {
        self.cancel = token;
        self
    }

    /// Calls `watch` at each start and end of a step. It must not block.
    #[must_use]
    pub fn progress(mut self, watch: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(watch));
        self
    }

    /// Tries undos and journal entries as `retry` says.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Dates records by `clock`.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("cancelled", &self.cancel.is_cancelled())
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry = Retry { attempts: 5, pause: Duration::from_millis(100), longest: Duration::from_millis(350) };
        let pauses: Vec<_> = (1..=5).map(|attempt| retry.pause_after(attempt).map(|pause| pause.as_millis())).collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(350), Some(350), None]);
    }
}
