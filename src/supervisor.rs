//! Keeps the parts of the appliance running: start order, restart with backoff, drain order, health.
//!
//! A [`Unit`] is a long-running part: a service, an agent, the HTTP listener. Units start one after the other, each once
//! the one before is ready, and stop in the opposite order, each within its own time. A unit that ends
//! or panics before it was told to is started again, after a pause that doubles with each failure in a row.
//!
//! ```text
//!   starting ──ready──▶ running ──stop──▶ draining ──▶ stopped
//!      ▲                   │ ended, panicked
//!      └──── backing off ◀─┘
//! ```

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kit::{Condition, Fault};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The first pause before a unit is started again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A unit that ran this long has recovered: its next failure counts as the first.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// What a unit is given when it is started.
pub struct UnitContext {
    /// Cancelled when the unit is to stop. It then finishes what it has begun and returns.
    pub stop: CancellationToken,
    ready: watch::Sender<bool>,
}

impl UnitContext {
    /// Says that the unit does its work from now on: the next one may start.
    pub fn ready(&self) {
        self.ready.send_replace(true);
    }
}

type Report = Arc<dyn Fn() -> Condition + Send + Sync>;
type Start = Box<dyn Fn(UnitContext) -> BoxFuture<'static, Result<(), Fault>> + Send + Sync>;

/// A long-running part of the appliance.
pub struct Unit {
    name: &'static str,
    ready_within: Duration,
    stop_within: Duration,
    report: Report,
    start: Start,
}

impl Unit {
    /// A unit that runs until `start`'s future ends.
    pub fn new<F, Run>(name: &'static str, start: F) -> Self
    where
        F: Fn(UnitContext) -> Run + Send + Sync + 'static,
        Run: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        Self {
            name,
            ready_within: Duration::from_secs(60),
            stop_within: Duration::from_secs(10),
            report: Arc::new(Condition::default),
            start: Box::new(move |context| Box::pin(start(context))),
        }
    }

    /// Asks `report` what is wrong with it while it runs.
    #[must_use]
    pub fn reporting(mut self, report: impl Fn() -> Condition + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Gives it this long to stop; then it is cut off.
    #[must_use]
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    /// Gives it this long to become ready.
    #[must_use]
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }
}

/// Where a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Started, not ready yet.
    Starting,
    /// At work.
    Running,
    /// Failed, and waiting to be started again.
    BackingOff,
    /// Told to stop.
    Draining,
    /// Ended.
    Stopped,
}

/// A unit's health.
#[derive(Debug, Clone, Serialize)]
pub struct UnitHealth {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub state: State,
    /// How often it has been started again.
    pub restarts: u32,
    /// Why it failed last. Not for everybody's eyes.
    pub last_error: Option<String>,
    /// What it says of itself.
    pub condition: Condition,
}

struct Watched {
    unit: UnitHealth,
    report: Report,
}

/// The health of all units, shared with whoever shows it.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Vec<Watched>>>);

impl Health {
    /// All units, in start order.
    #[must_use]
    pub fn units(&self) -> Vec<UnitHealth> {
        let units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        units.iter().map(|Watched { unit, report }| UnitHealth { condition: report(), ..unit.clone() }).collect()
    }

    fn add(&self, name: &'static str, report: Report) -> usize {
        let condition = Condition::default();
        let unit = UnitHealth { name, state: State::Starting, restarts: 0, last_error: None, condition };
        let mut units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        units.push(Watched { unit, report });
        units.len() - 1
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut UnitHealth)) {
        if let Some(watched) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
            change(&mut watched.unit);
        }
    }
}

/// Why the appliance did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A unit failed before it was ready for the first time.
    #[error("{unit} did not start: {reason}")]
    Failed {
        /// Which.
        unit: &'static str,
        /// Its fault, with causes.
        reason: String,
    },
    /// A unit was not ready in time.
    #[error("{unit} was not ready within {within:?}")]
    NotReady {
        /// Which.
        unit: &'static str,
        /// How long it had.
        within: Duration,
    },
}

struct Running {
    name: &'static str,
    stop: CancellationToken,
    stop_within: Duration,
    task: JoinHandle<()>,
    health: Health,
    index: usize,
}

/// The units that run.
pub struct Supervisor {
    running: Vec<Running>,
    health: Health,
}

impl Supervisor {
    /// A supervisor of nothing yet, that reports to `health`.
    #[must_use]
    pub fn new(health: Health) -> Self {
        Self { running: Vec::new(), health }
    }

    /// Starts `unit` and waits until it is ready.
    ///
    /// # Errors
    /// When it fails before, or is not ready in time. What runs already keeps running: call [`Supervisor::stop`].
    pub async fn start(&mut self, unit: Unit) -> Result<(), StartError> {
        let index = self.health.add(unit.name, unit.report.clone());
        let stop = CancellationToken::new();
        let (ready, mut becomes_ready) = watch::channel(false);
        let (name, ready_within, stop_within) = (unit.name, unit.ready_within, unit.stop_within);
        let keeper = Keeper { unit, index, health: self.health.clone(), stop: stop.clone(), ready };
        let task = tokio::spawn(keeper.keep());
        self.running.push(Running { name, stop, stop_within, task, health: self.health.clone(), index });
        match tokio::time::timeout(ready_within, becomes_ready.wait_for(|ready| *ready)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(StartError::Failed { unit: name, reason: self.last_error(index) }),
            Err(_) => Err(StartError::NotReady { unit: name, within: ready_within }),
        }
    }

    /// Stops all units, the last one first.
    pub async fn stop(self) {
        for unit in self.running.into_iter().rev() {
            unit.stop().await;
        }
    }

    fn last_error(&self, index: usize) -> String {
        let unit = self.health.units().into_iter().nth(index);
        unit.and_then(|unit| unit.last_error).unwrap_or_else(|| "it ended".to_owned())
    }
}

impl Running {
    async fn stop(mut self) {
        self.health.change(self.index, |unit| unit.state = State::Draining);
        self.stop.cancel();
        if tokio::time::timeout(self.stop_within, &mut self.task).await.is_err() {
            tracing::warn!(unit = self.name, within = ?self.stop_within, "did not stop in time and is cut off");
            self.task.abort();
        }
        self.health.change(self.index, |unit| unit.state = State::Stopped);
    }
}

/// Runs one unit again and again until it is told to stop.
struct Keeper {
    unit: Unit,
    index: usize,
    health: Health,
    stop: CancellationToken,
    ready: watch::Sender<bool>,
}

impl Keeper {
    async fn keep(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let failure = self.run_once().await;
            if self.stop.is_cancelled() {
                return;
            }
            self.health.change(self.index, |unit| unit.last_error = Some(failure.clone()));
            if !*self.ready.borrow() {
                // It never worked: starting the appliance fails, rather than trying forever.
                return;
            }
            if begun.elapsed() >= RECOVERED_AFTER {
                pause = FIRST_PAUSE;
            }
            tracing::error!(unit = self.unit.name, error = failure, restart_in = ?pause, "ended and will be started again");
            self.health.change(self.index, |unit| unit.state = State::BackingOff);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.health.change(self.index, |unit| {
                unit.state = State::Starting;
                unit.restarts += 1;
            });
        }
    }

    /// One run of the unit; why it ended.
    async fn run_once(&self) -> String {
        let (ready, mut becomes_ready) = watch::channel(false);
        let run = (self.unit.start)(UnitContext { stop: self.stop.clone(), ready });
        let mut run = std::pin::pin!(AssertUnwindSafe(run).catch_unwind());
        let ended = tokio::select! {
            biased;
            ended = &mut run => ended,
            true = becomes(&mut becomes_ready) => {
                self.health.change(self.index, |unit| unit.state = State::Running);
                self.ready.send_replace(true);
                run.await
            }
        };
        match ended {
            Ok(Ok(())) => "it ended without being told to".to_owned(),
            Ok(Err(fault)) => fault.chain(),
            Err(_) => "it panicked".to_owned(),
        }
    }
}

/// Waits until it is ready; false when it never will be.
async fn becomes(ready: &mut watch::Receiver<bool>) -> bool {
    ready.wait_for(|ready| *ready).await.is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn recorder() -> (Arc<Mutex<Vec<String>>>, impl Fn(&str) + Clone + Send + Sync + 'static) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = log.clone();
        (log, move |line: &str| sink.lock().unwrap().push(line.to_owned()))
    }

    fn steady(name: &'static str, say: impl Fn(&str) + Clone + Send + Sync + 'static) -> Unit {
        Unit::new(name, move |context| {
            let say = say.clone();
            async move {
                say(&format!("+{name}"));
                context.ready();
                context.stop.cancelled().await;
                say(&format!("-{name}"));
                Ok(())
            }
        })
    }

    #[tokio::test]
    async fn units_start_in_order_and_stop_in_the_opposite_one() {
        let (log, say) = recorder();
        let mut supervisor = Supervisor::new(Health::default());
        for name in ["store", "service", "http"] {
            supervisor.start(steady(name, say.clone())).await.unwrap();
        }
        supervisor.stop().await;
        assert_eq!(*log.lock().unwrap(), ["+store", "+service", "+http", "-http", "-service", "-store"]);
    }

    #[tokio::test]
    async fn a_unit_that_never_worked_fails_the_start() {
        let mut supervisor = Supervisor::new(Health::default());
        let broken = Unit::new("broken", |_| async { Err(Fault::unavailable("no libvirt")) });
        let error = supervisor.start(broken).await.unwrap_err();
        assert_eq!(error.to_string(), "broken did not start: no libvirt");
        let silent = Unit::new("silent", |_| std::future::pending()).ready_within(Duration::from_millis(10));
        assert!(matches!(supervisor.start(silent).await, Err(StartError::NotReady { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_fails_later_is_started_again_with_growing_pauses() {
        let runs = Arc::new(AtomicU32::new(0));
        let count = runs.clone();
        let health = Health::default();
        let mut supervisor = Supervisor::new(health.clone());
        let flaky = Unit::new("flaky", move |context| {
            let run = count.fetch_add(1, Ordering::SeqCst);
            async move {
                context.ready();
                tokio::task::yield_now().await;
                match run {
                    0 => panic!("a defect"),
                    1 => Err(Fault::unavailable("still not well")),
                    _ => {
                        context.stop.cancelled().await;
                        Ok(())
                    }
                }
            }
        });
        let begun = tokio::time::Instant::now();
        supervisor.start(flaky).await.unwrap();
        while runs.load(Ordering::SeqCst) < 3 || health.units()[0].state != State::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(begun.elapsed() >= FIRST_PAUSE * 3, "the second pause is twice the first");
        assert_eq!((health.units()[0].restarts, health.units()[0].last_error.as_deref()), (2, Some("still not well")));
        supervisor.stop().await;
        assert_eq!(health.units()[0].state, State::Stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_does_not_stop_is_cut_off() {
        let mut supervisor = Supervisor::new(Health::default());
        let deaf = Unit::new("deaf", |context| async move {
            context.ready();
            std::future::pending().await
        });
        supervisor.start(deaf.stop_within(Duration::from_secs(1))).await.unwrap();
        let begun = tokio::time::Instant::now();
        supervisor.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}
